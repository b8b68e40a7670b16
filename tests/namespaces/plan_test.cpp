// SPDX-License-Identifier: Apache-2.0
#include "namespaces/plan.hpp"

#include <linux/sched.h>

#include "support/planning.hpp"

namespace bulkhead::namespaces {
namespace {

using spec::NamespaceType;
using test::Lines;

struct Kind {
    std::string_view word;
    NamespaceType type;
    std::uint64_t flag;
};
// Those that this version makes; the mount namespace is always there.
constexpr Kind kinds[] = {
    {"pid", NamespaceType::pid, CLONE_NEWPID}, {"network", NamespaceType::network, CLONE_NEWNET},
    {"ipc", NamespaceType::ipc, CLONE_NEWIPC}, {"uts", NamespaceType::uts, CLONE_NEWUTS},
    {"cgroup", NamespaceType::cgroup, 0},
};

spec::ValidSpec spec_with_kinds(unsigned choice) {
    std::string list = R"({"type": "mount"})";
    for (unsigned i = 0; i < std::size(kinds); ++i)
        if ((choice >> i & 1) != 0) list.append(cat(R"(, {"type": ")", kinds[i].word, R"("})"));
    return test::spec_with(cat(R"({"linux": {"namespaces": [)", list, "]}}"));
}

TEST(CloneFlags, OfEveryCombination) {
    for (unsigned choice = 0; choice < 1u << std::size(kinds); ++choice) {
        const spec::ValidSpec spec = spec_with_kinds(choice);
        std::uint64_t flags = CLONE_NEWNS;
        for (unsigned i = 0; i < std::size(kinds); ++i) {
            const bool chosen = (choice >> i & 1) != 0;
            if (chosen) flags |= kinds[i].flag;
            EXPECT_EQ(is_new(spec, kinds[i].type), chosen) << choice << ' ' << kinds[i].word;
        }
        EXPECT_EQ(clone_flags(spec), flags) << choice;
        EXPECT_FALSE(is_new(spec, NamespaceType::user) || is_new(spec, NamespaceType::time));
    }
}

TEST(Entry, MakesTheCgroupNamespaceByUnshareAndRaisesLo) {
    const spec::ValidSpec spec = test::spec_with(
        R"({"linux": {"namespaces": [{"type": "network"}, {"type": "mount"}, {"type": "cgroup"}]}})");
    EXPECT_EQ(test::init_lines([&](auto& timeline) { plan_entry(timeline, spec); }),
              (Lines{"init unshare_namespaces cgroup (/linux/namespaces/2)",
                     "init raise_loopback lo (/linux/namespaces/0)"}));
}

TEST(Entry, WithoutThemDoesNothing) {
    const spec::ValidSpec spec = test::spec_with();
    EXPECT_EQ(test::init_lines([&](auto& timeline) { plan_entry(timeline, spec); }), Lines{});
}

TEST(Names, AreSetWhereGiven) {
    const std::string uts = R"("linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}]})";
    const auto named = [&](const std::string& names) {
        const spec::ValidSpec spec = test::spec_with(cat("{", names, uts, "}"));
        return test::init_lines([&](auto& timeline) { plan_names(timeline, spec); });
    };
    EXPECT_EQ(named(""), Lines{});
    EXPECT_EQ(named(R"("hostname": "box", )"), Lines{"init set_hostname box (/hostname)"});
    EXPECT_EQ(named(R"("domainname": "yard", "hostname": "box", )"),
              (Lines{"init set_hostname box (/hostname)", "init set_domainname yard (/domainname)"}));
}

}  // namespace
}  // namespace bulkhead::namespaces
