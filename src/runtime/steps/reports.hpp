// SPDX-License-Identifier: Apache-2.0
// Reads the stage's reports. The stage formats nothing: a failure is a step and an errno, and this file makes
// the sentence from the same timeline.
#pragma once

#include <optional>
#include <vector>

#include "base/socket.hpp"
#include "runtime/steps/context.hpp"

namespace bulkhead::runtime {

// Every error that the stage has reported begins with this.
inline constexpr std::string_view start_failed = "unable to start container process: ";

class Reports {
  public:
    // The parts of a context that reports change, or that waiting for them needs.
    struct Parts {
        StageProcess& stage;
        Streams& streams;
        Walk& walk;
        const ResourceControl& control;
    };

    Reports(const Parts& parts, const plan::Timeline& timeline)
        : stage_(parts.stage),
          streams_(parts.streams),
          walk_(parts.walk),
          control_(parts.control),
          timeline_(timeline),
          buffer_(sizeof(plan::Report) + (walk_.traced ? plan::timed_steps * sizeof(plan::StepTime) : 0)) {}

    // Reads reports until the stage has said `awaited`, and keeps their contents in the context. Errors: the
    // stage has failed, or is gone.
    Result<> await(plan::ReportKind awaited);

    // The report socket closes with execve; what comes before that is a failure.
    Result<> await_end();

    // What the stage has said so far. Errors: it has failed.
    Result<> hear();

  private:
    Result<bool> next();  // false: the stream has ended
    Result<bool> wait();  // false: no process is left that could report
    Result<> look_after_it();
    Result<bool> ended();
    bool is_stage() const;
    Result<> take(const plan::Report& report, sys::Received& message);
    Result<> fail_with(const plan::Report& report);
    Result<> adopt(pid_t pid);
    Result<> kill(const plan::Report& report);
    bool is_of_unknown_copy(const plan::Report& report) const;  // one whose pid the first has not told yet
    bool was_respawned() const;
    std::unexpected<Error> gone();
    void take_times(const plan::Report& report, std::size_t size);

    StageProcess& stage_;
    Streams& streams_;
    Walk& walk_;
    const ResourceControl& control_;
    const plan::Timeline& timeline_;
    int fault_step_ = -1;
    std::optional<Error> failure_;  // of a copy whose pid is not known yet
    std::vector<char> buffer_;      // not on the stack, which a caller may have limited to little
};

}  // namespace bulkhead::runtime
