// SPDX-License-Identifier: Apache-2.0
// What the stage says. It formats nothing: a failure is a step and an errno, and the sentence is made here,
// from the same list.
#pragma once

#include <vector>

#include "base/socket.hpp"
#include "runtime/run.hpp"

namespace bulkhead::runtime {

class Reports {
  public:
    Reports(Workshop& workshop, const plan::Timeline& timeline)
        : workshop_(workshop),
          timeline_(timeline),
          buffer_(sizeof(plan::Report) + (workshop.traced ? plan::timed_steps * sizeof(plan::StepTime) : 0)) {
    }

    // Reads reports until the stage has said `awaited`, once and for all, and keeps what they bring in the
    // workshop. Errors: the stage has failed, or is gone.
    Result<> await(plan::ReportKind awaited);

    // The report socket closes with execve; what comes before that is a failure.
    Result<> await_end();

    // What the stage has said so far. Errors: it has failed.
    Result<> hear();

  private:
    Result<bool> next();  // false: the stream has ended
    Result<> take(const plan::Report& report, sys::Received& message);
    Result<> adopt(pid_t pid);
    Result<> kill(const plan::Report& report);
    std::unexpected<Error> gone();
    void take_times(const plan::Report& report, std::size_t size);

    Workshop& workshop_;
    const plan::Timeline& timeline_;
    int fault_step_ = -1;
    std::vector<char> buffer_;  // not on the stack, which a caller may have limited to little
};

}  // namespace bulkhead::runtime
