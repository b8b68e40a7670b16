// SPDX-License-Identifier: Apache-2.0
// The host's steps on a cgroup that is there: its device program, its owner.
#include "cgroups/devices/bpf_call.hpp"
#include "cgroups/devices/devices.hpp"
#include "cgroups/kernel_fixture.hpp"
#include "runtime/meeting.hpp"

namespace bulkhead::runtime {
namespace {

class HostCgroup : public cgroups::testing::CgroupTest {
  protected:
    void SetUp() override {
        CgroupTest::SetUp();
        if (!IsSkipped()) meeting.context.control.cgroup = std::move(cgroups::make(root(), path)->fd);
    }
    int group() const { return meeting.context.control.cgroup.number(); }
    std::vector<std::uint32_t> programs() const { return cgroups::bpf::attached(group()).value(); }
    std::string replace(bool as_created) {
        return meeting.error_of(plan::ReplaceDeviceFilter{program, as_created});
    }
    void undo_it() { meeting.undo(plan::ReplaceDeviceFilter{}); }
    void attach() { ASSERT_EQ(meeting.error_of(plan::AttachDeviceFilter{program}), ""); }

    const std::vector<bpf_insn> program = cgroups::device_program({}).value();
    test::Meeting meeting;
};

TEST_F(HostCgroup, AReplacedProgramComesBackWithUndo) {
    attach();
    const auto first = programs();
    ASSERT_EQ(replace(false), "");
    EXPECT_NE(programs(), first);
    EXPECT_EQ(programs().size(), 1u);
    undo_it();
    EXPECT_EQ(programs(), first);
    undo_it();  // there is nothing more to undo
    EXPECT_EQ(programs(), first);
}

TEST_F(HostCgroup, OtherRulesAreEnforcedWhereOursIsGone) {
    ASSERT_EQ(replace(false), "");
    EXPECT_EQ(programs().size(), 1u);
    undo_it();
    EXPECT_EQ(programs().size(), 0u);
}

TEST_F(HostCgroup, TheRulesOfTheCreationAreInTheProgramOfWhoTookOursAway) {
    const Fd hooks = cgroups::bpf::load_device_program(program, "nvidia").value();
    ASSERT_TRUE(cgroups::bpf::attach(group(), hooks.number()));
    const auto before = programs();
    ASSERT_EQ(replace(true), "");
    EXPECT_EQ(programs(), before);
    attach();
    ASSERT_EQ(replace(true), "");
    EXPECT_EQ(programs().size(), 2u) << "ours is there: another takes its place";
}

TEST_F(HostCgroup, WhoeverTakesAUsedCgroupHasItsOwnProgramOnly) {
    attach();
    const auto first = programs();
    attach();
    EXPECT_EQ(programs().size(), 1u);
    EXPECT_NE(programs(), first);
}

TEST_F(HostCgroup, InANewCgroupNobodyIsLookedFor) {
    meeting.context.control.cgroup_is_new = true;
    attach();
    attach();
    EXPECT_EQ(programs().size(), 2u);
}

TEST_F(HostCgroup, ThereIsNoProgramWithoutACgroup) {
    meeting.context.control.cgroup.reset();
    EXPECT_EQ(replace(false), "without a cgroup the device rules cannot be enforced");
}

TEST_F(HostCgroup, IsDelegatedWhereThereIsOne) {
    ASSERT_EQ(meeting.error_of(plan::DelegateCgroup{12345}), "");
    EXPECT_EQ(sys::status_of(group())->st_uid, 12345u);
    meeting.context.control.cgroup.reset();
    EXPECT_EQ(meeting.error_of(plan::DelegateCgroup{12345}), "");
}

}  // namespace
}  // namespace bulkhead::runtime
