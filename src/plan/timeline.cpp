// SPDX-License-Identifier: Apache-2.0
#include "plan/timeline.hpp"

#include <bitset>
#include <cstring>
#include <optional>

namespace bulkhead::plan {

namespace {

template <class Op>
bool is_host(const Step& step) {
    const auto* host = std::get_if<HostOp>(&step.op);
    return host != nullptr && std::holds_alternative<Op>(*host);
}

template <class Op>
bool is_init(const Step& step) {
    const auto* init = std::get_if<InitStep>(&step.op);
    return init != nullptr && init->op == InitVocabulary::index_of<Op>();
}

// The slots or anchors in a list of members.
void append(std::vector<Slot>& slots, Slot slot) { slots.push_back(slot); }
void append(std::vector<Slot>& slots, const std::optional<Slot>& slot) {
    if (slot) slots.push_back(*slot);
}
void append(std::vector<Slot>& slots, const std::vector<Inherited>& list) {
    for (const Inherited& each : list) slots.push_back(each.file);
}
void append(std::vector<Slot>&, const Path&) {}
void append(std::vector<Slot>&, Anchor) {}
void append(std::vector<Anchor>& anchors, const Path& path) { anchors.push_back(path.below); }
void append(std::vector<Anchor>& anchors, Anchor anchor) { anchors.push_back(anchor); }
void append(std::vector<Anchor>&, Slot) {}

template <class Kind, class Op, auto... members>
std::vector<Kind> members_of(const Op& op, Members<members...>) {
    std::vector<Kind> found;
    (append(found, op.*members), ...);
    return found;
}

// The slots or anchors that a step uses, and those that it leaves for later steps.
template <class Kind>
struct Read {
    template <class Op>
    std::vector<Kind> operator()(const Op& op) const {
        if constexpr (requires { typename Op::Reads; }) return members_of<Kind>(op, typename Op::Reads{});
        return {};
    }
};
template <class Kind>
struct Filled {
    template <class Op>
    std::vector<Kind> operator()(const Op& op) const {
        if constexpr (requires { typename Op::Fills; }) return members_of<Kind>(op, typename Op::Fills{});
        return {};
    }
};

class Invariants {
  public:
    explicit Invariants(std::uint16_t slot_count) : slot_count_(slot_count) {}

    Result<> check(const std::vector<Step>& steps) {
        for (const Step& step : steps) TRY(step.lane() == Lane::host ? host(step) : init(step));
        if (spawned_ && !executed_) return broken("the init lane does not end in Execute");
        return {};
    }

  private:
    static std::unexpected<Error> broken(std::string_view what) {
        return fail(Kind::internal, "timeline: ", what);
    }

    Result<> host(const Step& step) {
        if (is_host<Spawn>(step)) {
            if (spawned_) return broken("two Spawn steps");
            spawned_ = true;
        }
        for (const Slot slot : std::visit(Filled<Slot>{}, std::get<HostOp>(step.op))) TRY(fill(slot));
        if (is_host<SendGo>(step) && !spawned_) return broken("a go before Spawn");
        if (is_host<SendGo>(step)) ++go_;
        if (is_host<DeliverListener>(step) && listeners_-- == 0)
            return broken("the host awaits a listener that nobody makes");
        if (is_host<DeliverListener>(step)) ++deliveries_;
        if (is_host<AwaitRespawn>(step) && respawns_-- == 0)
            return broken("the host awaits a respawn that does not happen");
        if (is_host<AwaitReady>(step) && ready_-- == 0)
            return broken("the host awaits a report nobody sends");
        if (is_host<AwaitExecution>(step) && !executed_)
            return broken("the host awaits an execution nobody starts");
        return {};
    }

    Result<> init(const Step& step) {
        const auto& init_step = std::get<InitStep>(step.op);
        if (!spawned_) return broken("an init step before Spawn");
        if (executed_) return broken("a step after Execute");
        if (is_init<AwaitGo>(step) && go_-- == 0) return broken("the stage awaits a go nobody sends");
        if (is_init<ReportReady>(step)) ++ready_;
        if (is_init<Respawn>(step)) ++respawns_;
        if (is_init<ReportListener>(step)) ++listeners_;
        if (is_init<AwaitDelivery>(step) && deliveries_-- == 0)
            return broken("the stage awaits a delivery that does not happen");
        if (is_init<Execute>(step)) executed_ = true;
        for (const Slot slot : visit<std::vector<Slot>>(init_step, Read<Slot>{}))
            if (!exists(slot) || !filled_.test(slot.index))
                return broken("a slot is used before it is filled");
        for (const Slot slot : visit<std::vector<Slot>>(init_step, Filled<Slot>{})) TRY(fill_by_stage(slot));
        return check_anchors(init_step);
    }

    Result<> check_anchors(const InitStep& step) {
        for (const Anchor anchor : visit<std::vector<Anchor>>(step, Read<Anchor>{}))
            if (anchor.index >= anchor_limit || (anchor.index != 0 && !anchored_.test(anchor.index)))
                return broken("a path lies below what is not there yet");
        for (const Anchor filled : visit<std::vector<Anchor>>(step, Filled<Anchor>{})) {
            if (filled.index >= anchor_limit) return broken("an anchor that nobody made");
            anchored_.set(filled.index);
        }
        return {};
    }

    // The stage fills a slot for a later step of its own.
    Result<> fill_by_stage(Slot slot) {
        if (!exists(slot)) return broken("a slot that nobody made");
        filled_.set(slot.index);
        return {};
    }

    Result<> fill(Slot slot) {
        if (spawned_) return broken("a slot filled after Spawn cannot reach the stage");
        if (!exists(slot)) return broken("a slot that nobody made");
        filled_.set(slot.index);
        return {};
    }

    bool exists(Slot slot) const { return slot.index < slot_count_; }

    std::uint16_t slot_count_;
    bool spawned_ = false;
    unsigned go_ = 0;     // sent and not yet awaited
    unsigned ready_ = 0;  // likewise
    unsigned respawns_ = 0;
    unsigned listeners_ = 0;
    unsigned deliveries_ = 0;
    bool executed_ = false;
    std::bitset<slot_limit> filled_;
    std::bitset<anchor_limit> anchored_;
};

}  // namespace

Step::Step(std::variant<HostOp, InitStep> what, std::string cause)
    : op(std::move(what)), pointer(std::move(cause)) {}
Step::Step(Step&&) noexcept = default;
Step& Step::operator=(Step&&) noexcept = default;
Step::~Step() = default;

void TimelineBuilder::host(HostOp op, std::string pointer) {
    timeline_.steps_.emplace_back(std::move(op), std::move(pointer));
}

void TimelineBuilder::append(const InitStep& step, std::string pointer) {
    timeline_.steps_.emplace_back(step, std::move(pointer));
}

void TimelineBuilder::align() { timeline_.arena_.resize((timeline_.arena_.size() + 7) & ~std::size_t{7}); }

template <class Item>
std::uint32_t TimelineBuilder::store(const Item* items, std::size_t count) {
    align();
    const auto at = static_cast<std::uint32_t>(timeline_.arena_.size());
    timeline_.arena_.append(reinterpret_cast<const char*>(items), count * sizeof(Item));
    return at;
}

Text TimelineBuilder::text(std::string_view text) { return room(text, text.size() + 1); }

Text TimelineBuilder::room(std::string_view text, std::size_t capacity) {
    const auto at = static_cast<std::uint32_t>(timeline_.arena_.size());
    timeline_.arena_.append(text).resize(at + capacity);
    return {at, static_cast<std::uint32_t>(text.size())};
}

Texts TimelineBuilder::texts(const std::vector<std::string>& strings) {
    std::vector<Text> stored;
    stored.reserve(strings.size());
    for (const std::string& string : strings) stored.push_back(text(string));
    return list(stored);
}

Texts TimelineBuilder::list(const std::vector<Text>& list) {
    return {store(list.data(), list.size()), static_cast<std::uint32_t>(list.size())};
}

Numbers TimelineBuilder::numbers(const std::vector<std::uint32_t>& list) {
    return {store(list.data(), list.size()), static_cast<std::uint32_t>(list.size())};
}

Pointers TimelineBuilder::pointers(std::size_t count) {
    align();
    const auto at = static_cast<std::uint32_t>(timeline_.arena_.size());
    timeline_.arena_.append(count * sizeof(char*), '\0');
    return {at, static_cast<std::uint32_t>(count)};
}

Slot TimelineBuilder::slot() { return {timeline_.slot_count_++}; }

// One more than the limit is enough for finish() to refuse the timeline.
Anchor TimelineBuilder::anchor() {
    if (anchor_count_ < anchor_limit) ++anchor_count_;
    return {anchor_count_};
}

Result<Timeline> TimelineBuilder::finish() && {
    constexpr std::size_t step_limit = 0xffff;
    if (timeline_.slot_count_ > slot_limit)
        return fail(Kind::unsupported, "more than ", slot_limit, " bind mounts");
    if (anchor_count_ >= anchor_limit)
        return fail(Kind::unsupported, "more than ", anchor_limit - 1, " mounts");
    if (timeline_.steps_.size() > step_limit)
        return fail(Kind::unsupported, "more than ", step_limit, " steps");
    std::uint16_t number = 0;
    for (Step& step : timeline_.steps_) {
        if (auto* init = std::get_if<InitStep>(&step.op)) init->number = number;
        ++number;
    }
    TRY(Invariants(timeline_.slot_count_).check(timeline_.steps_));
    return std::move(timeline_);
}

std::string Timeline::flatten(bool traced, Fault fault) const {
    std::vector<InitStep> init;
    for (const Step& step : steps_)
        if (const auto* op = std::get_if<InitStep>(&step.op)) init.push_back(*op);
    constexpr std::size_t steps_at = (sizeof(PlanHeader) + 7) & ~std::size_t{7};
    const std::size_t arena_at = steps_at + init.size() * sizeof(InitStep);
    const PlanHeader header{.size = static_cast<std::uint32_t>(arena_at + arena_.size()),
                            .steps_at = steps_at,
                            .step_count = static_cast<std::uint32_t>(init.size()),
                            .arena_at = static_cast<std::uint32_t>(arena_at),
                            .slot_count = slot_count_,
                            .traced = traced ? 1u : 0u,
                            .fault_step = fault.step,
                            .fault_action = fault.action};
    std::string bytes(header.size, '\0');
    std::memcpy(bytes.data(), &header, sizeof header);
    std::memcpy(bytes.data() + steps_at, init.data(), init.size() * sizeof(InitStep));
    std::memcpy(bytes.data() + arena_at, arena_.data(), arena_.size());
    return bytes;
}

}  // namespace bulkhead::plan
