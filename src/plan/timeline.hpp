// SPDX-License-Identifier: Apache-2.0
// The timeline: one ordered list of steps in two lanes. The host walks the list and skips init steps; the
// stage walks the init steps of the same list. A step may wait only for an earlier one, so a deadlock cannot
// be written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "plan/host_vocabulary.hpp"
#include "plan/init_step.hpp"
#include "plan/wire.hpp"

namespace bulkhead::plan {

enum class Lane : std::uint8_t { host, init };

// Its special members are defined in one file, so that they are not compiled again in every other.
struct Step {
    std::variant<HostOp, InitStep> op;
    std::string pointer;  // JSON pointer of the property that asked for it; empty: bulkhead itself

    Step(std::variant<HostOp, InitStep> what, std::string cause);
    Step(Step&&) noexcept;
    Step& operator=(Step&&) noexcept;
    ~Step();

    Lane lane() const { return op.index() == 0 ? Lane::host : Lane::init; }
};

// A finished timeline. Read-only: what explain prints is what runs.
class Timeline {
  public:
    const std::vector<Step>& steps() const { return steps_; }
    ArenaView arena() const { return ArenaView(const_cast<char*>(arena_.data())); }
    std::uint16_t slot_count() const { return slot_count_; }

    // The bytes for the stage: header, init steps, arena. No host step, no pointer, no JSON pointer in them.
    std::string flatten(bool traced, Fault fault) const;

  private:
    friend class TimelineBuilder;

    std::vector<Step> steps_;
    std::string arena_;
    std::uint16_t slot_count_ = 0;
};

// Planners append to it, in the order in which things happen.
class TimelineBuilder {
  public:
    // Appends a host step.
    void host(HostOp op, std::string pointer = {});
    // Appends an init step.
    template <class Op>
    void init(const Op& op, std::string pointer = {}) {
        append(InitStep::of(op), std::move(pointer));
    }

    Text text(std::string_view text);
    // A string with room for `capacity` bytes, NUL included, that the stage may overwrite.
    Text room(std::string_view text, std::size_t capacity);
    Texts texts(const std::vector<std::string>& strings);
    Texts list(const std::vector<Text>& list);
    Numbers numbers(const std::vector<std::uint32_t>& list);
    Pointers pointers(std::size_t count);
    Slot slot();
    Anchor anchor();

    // Numbers the steps and checks the invariants: at most one SPAWN and init steps only after it, slots
    // and anchors filled before they are used, AwaitGo after SPAWN and before SendGo's lane has ended, the
    // init lane ends in Execute. Error: Kind::internal, which a test over every bundle keeps from happening.
    Result<Timeline> finish() &&;

  private:
    template <class Bytes>
    std::uint32_t store(const Bytes* items, std::size_t count);
    void align();
    void append(const InitStep& step, std::string pointer);

    Timeline timeline_;
    std::uint16_t anchor_count_ = 0;
};

}  // namespace bulkhead::plan
