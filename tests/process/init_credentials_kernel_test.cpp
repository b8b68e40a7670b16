// SPDX-License-Identifier: Apache-2.0
#include <grp.h>
#include <sys/prctl.h>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "process/init_ops.hpp"

namespace bulkhead::process {
namespace {

using test::fails;
using test::in_child;
using test::Stage;
using test::succeeded;

constexpr std::uint64_t chown_bit = 1, kill_bit = 1 << 5;

// A line of /proc/self/status: "CapEff" -> "0000000000000020".
std::string status_line(const std::string& key) {
    const std::string text = test::text_of("/proc/self/status");
    const std::size_t begin = text.find("\n" + key + ":") + key.size() + 3;
    std::string value = text.substr(begin, text.find('\n', begin) - begin);
    while (value.ends_with(' ')) value.pop_back();
    return value;
}

std::string digits(std::uint64_t set) {
    const std::string short_form = hexadecimal(set);
    return std::string(16 - short_form.size(), '0') + short_form;
}

std::uint32_t last_capability() {
    return parse_decimal<std::uint32_t>(split(test::text_of("/proc/sys/kernel/cap_last_cap"), '\n')[0])
        .value_or(40);
}

TEST(LimitBounding, KeepsWhatIsNamedAndNothingElse) {
    NEEDS_ROOT();
    in_child([] {
        Stage stage;
        ASSERT_TRUE(
            succeeded(apply(stage.context, plan::LimitBounding{chown_bit | kill_bit, last_capability()})));
        EXPECT_EQ(status_line("CapBnd"), digits(chown_bit | kill_bit));
        EXPECT_TRUE(succeeded(apply(stage.context, plan::LimitBounding{0, last_capability()})));
        EXPECT_EQ(status_line("CapBnd"), digits(0));
    });
}

TEST(LimitBounding, SaysWhichCallTheKernelRefused) {
    NEEDS_ROOT();
    in_child([] {
        Stage stage;
        EXPECT_TRUE(
            fails(apply(stage.context, plan::LimitBounding{~0ul >> 1, 63}), EINVAL, plan::Call::prctl));
    });
}

TEST(SetGroups, TakesNoneAndMany) {
    NEEDS_ROOT();
    in_child([] {
        const gid_t callers[] = {4, 5};
        ASSERT_EQ(::setgroups(2, callers), 0);
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetGroups{stage.numbers({})})));
        EXPECT_EQ(status_line("Groups"), "") << "the caller's groups must not come along";
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetGroups{stage.numbers({7, 1000, 4294967294})})));
        EXPECT_EQ(status_line("Groups"), "7 1000 4294967294");
    });
}

TEST(SetGroups, OfNoneIsFineWhereTheUserNamespaceDeniesIt) {
    NEEDS_ROOT();
    in_child([] {
        ASSERT_EQ(::unshare(CLONE_NEWUSER), 0);
        test::write_text("/proc/self/setgroups", "deny");
        test::write_text("/proc/self/uid_map", "0 0 10");
        test::write_text("/proc/self/gid_map", "0 0 10");
        Stage stage;
        EXPECT_TRUE(succeeded(apply(stage.context, plan::SetGroups{stage.numbers({})})));
        EXPECT_TRUE(
            fails(apply(stage.context, plan::SetGroups{stage.numbers({7})}), EPERM, plan::Call::setgroups));
    });
}

TEST(SetGroups, WithoutTheCapabilityIsRefused) {
    NEEDS_ROOT();
    in_child([] {
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        Stage stage;
        EXPECT_TRUE(
            fails(apply(stage.context, plan::SetGroups{stage.numbers({})}), EPERM, plan::Call::setgroups));
    });
}

TEST(SetGroups, MoreThanTheKernelTakesIsAnError) {
    NEEDS_ROOT();
    in_child([] {
        Stage stage;
        const plan::Numbers gids{stage.numbers({1}).at, 65537};  // NGROUPS_MAX is 65536
        EXPECT_TRUE(fails(apply(stage.context, plan::SetGroups{gids}), EINVAL, plan::Call::setgroups));
    });
}

TEST(SetIds, ChangesAllFourOfEachAndKeepsTheCapabilities) {
    NEEDS_ROOT();
    in_child([] {
        Stage stage;
        const std::string permitted = status_line("CapPrm");
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetIds{1234, 4294967294})));
        EXPECT_EQ(status_line("Uid"), "1234\t1234\t1234\t1234");
        EXPECT_EQ(status_line("Gid"), "4294967294\t4294967294\t4294967294\t4294967294");
        EXPECT_EQ(status_line("CapPrm"), permitted);
        EXPECT_EQ(status_line("CapEff"), digits(0));
    });
}

TEST(SetIds, WithoutPrivilegeIsRefused) {
    NEEDS_ROOT();
    in_child([] {
        Stage stage;
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        EXPECT_TRUE(fails(apply(stage.context, plan::SetIds{1234, 99}), EPERM, plan::Call::setresgid));
        EXPECT_TRUE(fails(apply(stage.context, plan::SetIds{99, 0}), EPERM, plan::Call::setresuid));
    });
}

TEST(SetCapabilities, OfAnotherUserAreExactlyTheSets) {
    NEEDS_ROOT();
    in_child([] {
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetIds{1234, 1234})));
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetCapabilities{.effective = kill_bit,
                                                                         .permitted = chown_bit | kill_bit,
                                                                         .inheritable = kill_bit,
                                                                         .ambient = kill_bit})));
        EXPECT_EQ(status_line("CapEff"), digits(kill_bit));
        EXPECT_EQ(status_line("CapPrm"), digits(chown_bit | kill_bit));
        EXPECT_EQ(status_line("CapInh"), digits(kill_bit));
        EXPECT_EQ(status_line("CapAmb"), digits(kill_bit));
        EXPECT_EQ(::prctl(PR_GET_KEEPCAPS), 0) << "a later setuid must not keep them again";
        EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 0);
    });
}

TEST(SetCapabilities, ClearsTheCallersAmbientSet) {
    NEEDS_ROOT();
    in_child([] {
        Stage stage;
        const plan::SetCapabilities ambient{.effective = kill_bit | 1 << 8,
                                            .permitted = kill_bit | 1 << 8,
                                            .inheritable = kill_bit,
                                            .ambient = kill_bit};
        ASSERT_TRUE(succeeded(apply(stage.context, ambient)));
        ASSERT_EQ(status_line("CapAmb"), digits(kill_bit));
        const plan::SetCapabilities kept{
            .effective = kill_bit, .permitted = kill_bit, .inheritable = kill_bit, .ambient = 0};
        ASSERT_TRUE(succeeded(apply(stage.context, kept)));
        EXPECT_EQ(status_line("CapAmb"), digits(0));
    });
}

TEST(SetCapabilities, ThatOneDoesNotHaveAreRefused) {
    NEEDS_ROOT();
    in_child([] {
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetCapabilities{kill_bit, kill_bit, 0, 0})));
        EXPECT_TRUE(fails(apply(stage.context, plan::SetCapabilities{0, chown_bit, 0, 0}), EPERM,
                          plan::Call::capset));
        EXPECT_TRUE(fails(apply(stage.context, plan::SetCapabilities{0, kill_bit, 0, kill_bit}), EPERM,
                          plan::Call::prctl));  // not inheritable, so never ambient
    });
}

TEST(ForbidNewPrivileges, IsInherited) {
    in_child([] {
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::ForbidNewPrivileges{})));
        EXPECT_EQ(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
        in_child([] { EXPECT_EQ(status_line("NoNewPrivs"), "1"); });
    });
}

}  // namespace
}  // namespace bulkhead::process
