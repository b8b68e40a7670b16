// SPDX-License-Identifier: Apache-2.0
// The invariants of a timeline, each broken on purpose, and what travels to the stage.
#include "plan/timeline.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "plan/support.hpp"

namespace bulkhead::plan::test {
namespace {

// The smallest timeline there is: a process that does nothing but execute.
TimelineBuilder spawned() {
    TimelineBuilder timeline;
    timeline.host(Spawn{0});
    return timeline;
}

// The sentence of the refusal, or "fine".
std::string verdict(TimelineBuilder timeline) {
    const auto finished = std::move(timeline).finish();
    return finished ? "fine" : finished.error().text;
}

// The same, for one that needs nothing more than its end.
std::string verdict_with_end(TimelineBuilder timeline) {
    timeline.init(Execute{});
    return verdict(std::move(timeline));
}

bool has(const std::string& bytes, const std::string& text) { return bytes.find(text) != std::string::npos; }

// --- what is refused
// --------------------------------------------------------------------------------------------

TEST(Invariants, the_smallest_timeline_is_fine) {
    EXPECT_EQ(verdict_with_end(spawned()), "fine");
    EXPECT_EQ(verdict(TimelineBuilder()), "fine");
}

TEST(Invariants, a_second_spawn_is_refused) {
    TimelineBuilder timeline = spawned();
    timeline.host(Spawn{0});
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "timeline: two Spawn steps");
}

TEST(Invariants, an_init_step_before_spawn_is_refused) {
    TimelineBuilder timeline;
    timeline.init(StartSession{});
    timeline.host(Spawn{0});
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "timeline: an init step before Spawn");
}

TEST(Invariants, an_init_lane_without_execute_is_refused) {
    TimelineBuilder timeline = spawned();
    timeline.init(StartSession{});
    EXPECT_EQ(verdict(std::move(timeline)), "timeline: the init lane does not end in Execute");
}

TEST(Invariants, a_step_behind_execute_is_refused) {
    TimelineBuilder timeline = spawned();
    timeline.init(Execute{});
    timeline.init(StartSession{});
    EXPECT_EQ(verdict(std::move(timeline)), "timeline: a step after Execute");
}

TEST(Invariants, a_go_that_nobody_sends_is_refused) {
    TimelineBuilder timeline = spawned();
    timeline.init(AwaitGo{});
    timeline.host(SendGo{});
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "timeline: the stage awaits a go nobody sends");
}

TEST(Invariants, a_report_that_nobody_sends_is_refused) {
    TimelineBuilder timeline = spawned();
    timeline.host(AwaitReady{});
    timeline.init(ReportReady{});
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "timeline: the host awaits a report nobody sends");
}

TEST(Invariants, a_go_before_spawn_is_refused) {
    TimelineBuilder timeline;
    timeline.host(SendGo{});
    timeline.host(Spawn{0});
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "timeline: a go before Spawn");
}

TEST(Invariants, one_go_cannot_be_awaited_twice) {
    TimelineBuilder timeline = spawned();
    timeline.host(SendGo{});
    timeline.init(AwaitGo{});
    timeline.init(AwaitGo{});
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "timeline: the stage awaits a go nobody sends");
}

TEST(Invariants, one_report_cannot_be_awaited_twice) {
    TimelineBuilder timeline = spawned();
    timeline.init(ReportReady{});
    timeline.host(AwaitReady{});
    timeline.host(AwaitReady{});
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "timeline: the host awaits a report nobody sends");
}

TEST(Invariants, a_slot_that_nobody_made_is_refused) {
    TimelineBuilder timeline;
    timeline.host(MakeStartFifo{Slot{slot_limit}});
    EXPECT_EQ(verdict(std::move(timeline)), "timeline: a slot that nobody made");
}

TEST(Invariants, an_execution_that_nobody_starts_is_refused) {
    TimelineBuilder timeline = spawned();
    timeline.host(AwaitExecution{});
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "timeline: the host awaits an execution nobody starts");
}

TEST(Invariants, a_path_below_what_is_not_there_yet_is_refused) {
    TimelineBuilder timeline = spawned();
    const Anchor anchor = timeline.anchor();
    timeline.init(HoldDirectory{timeline.text("a"), anchor});
    timeline.init(MakeDirectory{Path(timeline.text("a/b"), 2, anchor)});
    timeline.init(MakeDirectory{Path(timeline.text("b/c"), 2, timeline.anchor())});
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "timeline: a path lies below what is not there yet");
}

TEST(Invariants, too_many_mounts_are_refused) {
    TimelineBuilder timeline = spawned();
    for (int i = 0; i < 70000; ++i) (void)timeline.anchor();
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "more than 16383 mounts");
}

TEST(Invariants, a_slot_filled_behind_spawn_is_refused) {
    TimelineBuilder timeline = spawned();
    timeline.host(MakeStartFifo{timeline.slot()});
    EXPECT_EQ(verdict_with_end(std::move(timeline)),
              "timeline: a slot filled after Spawn cannot reach the stage");
}

TEST(Invariants, a_respawn_that_does_not_happen_is_refused) {
    TimelineBuilder early = spawned(), twice = spawned(), fine = spawned();
    early.host(AwaitRespawn{});
    early.init(Respawn{});
    EXPECT_EQ(verdict_with_end(std::move(early)), "timeline: the host awaits a respawn that does not happen");
    twice.init(Respawn{});
    twice.host(AwaitRespawn{});
    twice.host(AwaitRespawn{});
    EXPECT_EQ(verdict_with_end(std::move(twice)), "timeline: the host awaits a respawn that does not happen");
    fine.init(Respawn{});
    fine.host(AwaitRespawn{});
    EXPECT_EQ(verdict_with_end(std::move(fine)), "fine");
}

// A timeline with a handshake, whose end `build` appends.
template <class Build>
std::string verdict_with_handshake(Build build) {
    TimelineBuilder timeline;
    const Slot slot = timeline.slot();
    timeline.host(MakeHandshake{slot});
    timeline.host(Spawn{});
    timeline.init(MapHandshake{slot});
    build(timeline, DeliverListener{.path = "/a", .metadata = ""});
    return verdict_with_end(std::move(timeline));
}

TEST(Invariants, a_listener_is_made_then_delivered_then_awaited) {
    EXPECT_EQ(verdict_with_handshake([](TimelineBuilder& timeline, const DeliverListener& deliver) {
                  timeline.init(ReportListener{});
                  timeline.host(deliver);
                  timeline.init(AwaitDelivery{});
              }),
              "fine");
}

TEST(Invariants, a_listener_that_nobody_makes_is_refused) {
    EXPECT_EQ(verdict_with_handshake([](TimelineBuilder& timeline, const DeliverListener& deliver) {
                  timeline.host(deliver);
                  timeline.init(ReportListener{});
              }),
              "timeline: the host awaits a listener that nobody makes");
}

TEST(Invariants, a_delivery_that_does_not_happen_is_refused) {
    EXPECT_EQ(verdict_with_handshake([](TimelineBuilder& timeline, const DeliverListener& deliver) {
                  timeline.init(ReportListener{});
                  timeline.init(AwaitDelivery{});
                  timeline.host(deliver);
              }),
              "timeline: the stage awaits a delivery that does not happen");
}

TEST(Invariants, a_slot_filled_by_the_stage_is_for_steps_behind_it) {
    const auto built = [](bool cloned_first) {
        TimelineBuilder timeline = spawned();
        const CloneSource clone{.path = timeline.text("/s"),
                                .attributes = {},
                                .propagation = {},
                                .slot = timeline.slot(),
                                .recursive = 0};
        if (cloned_first) timeline.init(clone);
        timeline.init(AttachTree{clone.slot, timeline.text("t")});
        if (!cloned_first) timeline.init(clone);
        return verdict_with_end(std::move(timeline));
    };
    EXPECT_EQ(built(true), "fine");
    EXPECT_EQ(built(false), "timeline: a slot is used before it is filled");
}

TEST(Invariants, a_slot_that_nobody_made_is_refused_to_the_stage_as_well) {
    TimelineBuilder timeline = spawned();
    timeline.init(CloneSource{.path = {}, .attributes = {}, .propagation = {}, .slot = {7}, .recursive = 0});
    EXPECT_EQ(verdict_with_end(std::move(timeline)), "timeline: a slot that nobody made");
}

template <class Op>
class SlotReader : public testing::Test {};
using SlotReaders =
    testing::Types<AwaitStart, AttachRoot, AttachTree, MountNotifySocket, JoinNamespace, MapHandshake>;
TYPED_TEST_SUITE(SlotReader, SlotReaders);

void read_slot(AwaitStart& op, Slot slot) { op.fifo = slot; }
void read_slot(MountNotifySocket& op, Slot slot) { op.socket = slot; }
void read_slot(JoinNamespace& op, Slot slot) { op.file = slot; }
void read_slot(MapHandshake& op, Slot slot) { op.page = slot; }
template <class Op>
void read_slot(Op& op, Slot slot) {
    op.tree = slot;
}

TYPED_TEST(SlotReader, is_refused_where_the_slot_is_empty) {
    TimelineBuilder empty;
    const Slot slot = empty.slot();
    empty.host(Spawn{0});
    TimelineBuilder filled;
    filled.host(CloneTree{"/", filled.slot()});
    filled.host(Spawn{0});

    TypeParam op{};
    read_slot(op, slot);
    empty.init(op);
    filled.init(op);

    EXPECT_EQ(verdict_with_end(std::move(empty)), "timeline: a slot is used before it is filled");
    EXPECT_EQ(verdict_with_end(std::move(filled)), "fine");
}

TEST(Invariants, more_slots_than_descriptors_is_refused) {
    TimelineBuilder timeline;
    for (unsigned i = 0; i <= slot_limit; ++i) timeline.slot();
    EXPECT_EQ(verdict(std::move(timeline)), "more than 4096 bind mounts");
}

TEST(Invariants, more_steps_than_numbers_is_refused) {
    TimelineBuilder timeline;
    for (unsigned i = 0; i <= 0xffff; ++i) timeline.host(RecordIntent{});
    EXPECT_EQ(verdict(std::move(timeline)), "more than 65535 steps");
}

TEST(Invariants, hold_for_every_bundle_in_both_modes) {
    for (const std::string& bundle : bundle_names())
        for (const Mode mode : {Mode::create, Mode::run})
            EXPECT_FALSE(timeline_of(bundle, mode, pure_host()).steps().empty()) << bundle;
}

// --- what travels
// -----------------------------------------------------------------------------------------------

// The root of a container with hooks is mounted where they expect it.
bool is_place_of_root(const std::string& bundle, std::string_view text) {
    return bundle == "every-hook" && text == "/bundles/";
}

TEST(Flatten, carries_nothing_of_the_host) {
    for (const std::string& bundle : bundle_names()) {
        const std::string bytes = timeline_of(bundle, Mode::create, pure_host()).flatten(false, {});
        for (const char* text :
             {"/run/", "bulkhead/box", "/sys/fs/cgroup/box", "/bundles/", "box.pid", "console.socket"})
            if (!is_place_of_root(bundle, text)) {
                EXPECT_FALSE(has(bytes, text)) << bundle << ": " << text;
            }
    }
}

TEST(Flatten, carries_no_json_pointer) {
    for (const std::string& bundle : bundle_names()) {
        const Timeline timeline = timeline_of(bundle, Mode::create, pure_host());
        const std::string bytes = timeline.flatten(false, {});
        for (const Step& step : timeline.steps())
            if (!step.pointer.empty()) {
                EXPECT_FALSE(has(bytes, step.pointer)) << bundle << ": " << step.pointer;
            }
    }
}

TEST(Flatten, would_show_a_string_of_the_arena) {
    TimelineBuilder builder = spawned();
    builder.init(SetHostname{builder.text("lighthouse")}, "/hostname");
    builder.init(Execute{});
    const std::string bytes = certain(std::move(builder).finish()).flatten(false, {});
    EXPECT_TRUE(has(bytes, "lighthouse"));
    EXPECT_FALSE(has(bytes, "/hostname"));
}

TEST(Flatten, keeps_the_init_steps_with_their_numbers) {
    const Timeline timeline = timeline_of("no-terminal", Mode::create, pure_host());

    const std::string bytes = timeline.flatten(true, {.step = 7, .action = 1});

    PlanHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    EXPECT_EQ(header.magic, PlanHeader::expected_magic);
    EXPECT_EQ(header.size, bytes.size());
    EXPECT_EQ(header.traced, 1U);
    EXPECT_EQ(header.fault_step, 7);
    EXPECT_EQ(header.fault_action, 1);
    std::size_t travelling = 0;
    for (std::size_t i = 0; i < timeline.steps().size(); ++i) {
        const auto* init = std::get_if<InitStep>(&timeline.steps()[i].op);
        if (init == nullptr) continue;
        InitStep travelled;
        std::memcpy(&travelled, bytes.data() + header.steps_at + travelling++ * sizeof travelled,
                    sizeof travelled);
        EXPECT_EQ(travelled.number, i);
        EXPECT_EQ(travelled.op, init->op);
    }
    EXPECT_EQ(travelling, header.step_count);
}

template <class... Ops>
constexpr bool flat(Vocabulary<Ops...>) {
    return (std::is_trivially_copyable_v<Ops> && ...) && ((sizeof(Ops) <= InitStep::capacity) && ...);
}
static_assert(flat(InitVocabulary{}), "only flat steps can travel to the stage");

}  // namespace
}  // namespace bulkhead::plan::test
