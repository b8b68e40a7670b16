// SPDX-License-Identifier: Apache-2.0
// One program in the place of another: in one step, without a trace of the first, beside those of others.
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <new>
#include <set>

#include "base/waiting.hpp"
#include "device_fixture.hpp"

namespace bulkhead::cgroups {
namespace {

using spec::DeviceRule;
using enum spec::DeviceRuleType;
using Program = std::vector<bpf_insn>;

// Reading 1:MINOR, and nothing else.
Program reading(std::initializer_list<std::uint32_t> minors) {
    std::vector<DeviceRule> rules;
    for (const std::uint32_t minor : minors) rules.push_back({true, character, 1, minor, "r"});
    return compile_device_rules(rules).value();
}
constexpr std::uint32_t zero = 5, full = 7, random = 8;

class DeviceReplacement : public testing::DeviceTest {
  protected:
    void SetUp() override {
        DeviceTest::SetUp();
        if (!IsSkipped()) made = make(root(), path).value();
    }
    int group() const { return made.fd.number(); }
    bool reads(const char* device) { return open_node(group(), device, O_RDONLY) == 0; }

    // What is attached, by name.
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        const auto ids = bpf::attached(group()).value();
        for (const std::uint32_t id : ids)
            all.push_back(bpf::name_of(bpf::open_program(id)->number()).value());
        return all;
    }
    // Attached by hand: by somebody else, or by a runtime that was killed.
    Fd add(const Program& program, const char* its_name = device_filter_name) const {
        Fd loaded = bpf::load_device_program(program, its_name).value();
        EXPECT_TRUE(bpf::attach(group(), loaded.number()));
        return loaded;
    }

    Made made;
};

const std::vector<std::string> one{device_filter_name};

TEST_F(DeviceReplacement, TheNewRulesHoldAndTheOldDoNot) {
    ASSERT_TRUE(install_device_filter(group(), reading({zero})));
    EXPECT_TRUE(reads("/dev/zero"));
    EXPECT_FALSE(reads("/dev/full"));
    ASSERT_TRUE(install_device_filter(group(), reading({full})));
    EXPECT_FALSE(reads("/dev/zero"));
    EXPECT_TRUE(reads("/dev/full"));
    EXPECT_EQ(names(), one);
}

TEST_F(DeviceReplacement, HoldsInCgroupsBelowToo) {
    const Made below = make(root(), path + "/a/b").value();
    ASSERT_TRUE(install_device_filter(group(), reading({zero})));
    ASSERT_TRUE(install_device_filter(group(), reading({full})));
    EXPECT_EQ(open_node(below.fd.number(), "/dev/full", O_RDONLY), 0);
    EXPECT_EQ(open_node(below.fd.number(), "/dev/zero", O_RDONLY), EPERM);
}

TEST_F(DeviceReplacement, AThousandTimesLeaveOneProgramOfAllThatWereLoaded) {
    std::set<std::uint32_t> seen;
    for (int round = 0; round < 1000; ++round) {
        ASSERT_TRUE(install_device_filter(group(), round % 2 == 0 ? reading({zero}) : reading({full})));
        const auto now = bpf::attached(group()).value();
        ASSERT_EQ(now.size(), 1u) << "in round " << round;
        seen.insert(now.front());
    }
    EXPECT_EQ(seen.size(), 1000u);
    seen.erase(bpf::attached(group()).value().front());
    // The kernel frees them a moment later.
    const auto is_loaded = [](std::uint32_t id) { return bpf::open_program(id).has_value(); };
    for (int waited = 0; std::ranges::any_of(seen, is_loaded) && waited < 5000; waited += 10) sys::pause(10);
    EXPECT_EQ(std::ranges::count_if(seen, is_loaded), 0);
}

TEST_F(DeviceReplacement, ThoseOfOthersStay) {
    const Fd first = add(reading({zero, full}), "sd_devices");
    ASSERT_TRUE(install_device_filter(group(), reading({zero, random})));
    const Fd last = add(reading({zero, full, random}), "nvidia");
    ASSERT_TRUE(install_device_filter(group(), reading({zero, full, random})));
    EXPECT_EQ(names(), (std::vector<std::string>{"sd_devices", device_filter_name, "nvidia"}));
    EXPECT_TRUE(reads("/dev/full"));
    EXPECT_FALSE(reads("/dev/random")) << "all of them have to allow it";
}

TEST_F(DeviceReplacement, WhereItIsGoneItComesAgain) {
    const Installed first = install_device_filter(group(), reading({zero})).value();
    ASSERT_TRUE(bpf::detach(group(), first.now.number()));
    ASSERT_FALSE(has_device_filter(group()).value());
    const Installed second = install_device_filter(group(), reading({full})).value();
    EXPECT_TRUE(second.before.empty());
    EXPECT_TRUE(has_device_filter(group()).value());
    EXPECT_FALSE(reads("/dev/zero"));
}

TEST_F(DeviceReplacement, OfSeveralThatAKilledRuntimeLeftOneRemains) {
    add(reading({zero, random}));
    add(reading({zero, full}));
    const Fd other = add(reading({zero, full, random}), "other");
    add(reading({zero}));
    const Installed installed = install_device_filter(group(), reading({full})).value();
    EXPECT_EQ(installed.before.size(), 3u);
    EXPECT_EQ(names(), (std::vector<std::string>{device_filter_name, "other"}));
    EXPECT_TRUE(reads("/dev/full"));
}

TEST_F(DeviceReplacement, IsUndone) {
    ASSERT_TRUE(install_device_filter(group(), reading({zero})));
    const auto before = bpf::attached(group()).value();
    const Installed second = install_device_filter(group(), reading({full})).value();
    ASSERT_TRUE(restore_device_filter(group(), second));
    EXPECT_EQ(bpf::attached(group()).value(), before) << "the very program";
    EXPECT_TRUE(reads("/dev/zero"));
    EXPECT_FALSE(reads("/dev/full"));
}

TEST_F(DeviceReplacement, IsUndoneWhereThereWasNoneOrWereSeveral) {
    const Installed first = install_device_filter(group(), reading({zero})).value();
    ASSERT_TRUE(restore_device_filter(group(), first));
    EXPECT_EQ(names(), std::vector<std::string>{});
    EXPECT_TRUE(reads("/dev/full"));

    add(reading({zero, random}));
    add(reading({zero, full}));
    const Installed second = install_device_filter(group(), reading({full})).value();
    ASSERT_TRUE(restore_device_filter(group(), second));
    EXPECT_EQ(names().size(), 2u);
    EXPECT_TRUE(reads("/dev/zero"));
    EXPECT_FALSE(reads("/dev/full"));
}

TEST_F(DeviceReplacement, ARefusedProgramChangesNothing) {
    ASSERT_TRUE(install_device_filter(group(), reading({zero})));
    const auto before = bpf::attached(group()).value();
    ASSERT_FALSE(install_device_filter(group(), Program{{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}));
    EXPECT_EQ(bpf::attached(group()).value(), before);
}

TEST_F(DeviceReplacement, OnARemovedCgroupIsAnError) {
    ASSERT_TRUE(cgroups::remove(root(), path, 1000));
    EXPECT_FALSE(install_device_filter(group(), reading({zero})));
}

// What a neighbour in the cgroup has seen, in memory that the test sees.
struct Witness {
    std::atomic<std::uint64_t> rounds = 0;
    std::atomic<std::uint64_t> wrongly_allowed = 0;
    std::atomic<std::uint64_t> wrongly_denied = 0;

    static bool opens(const char* device) {
        const int file = ::open(device, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (file != -1) ::close(file);
        return file != -1;
    }
    [[noreturn]] void watch() {
        for (;;) {
            if (opens("/dev/full")) ++wrongly_allowed;
            if (!opens("/dev/zero")) ++wrongly_denied;
            ++rounds;
        }
    }
};

// Both lists allow zero, and none allows full: so it has to be at every instant.
TEST_F(DeviceReplacement, IsNeitherWeakerNorStrongerAtAnyInstant) {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(page, MAP_FAILED);
    auto* witness = new (page) Witness;
    ASSERT_TRUE(install_device_filter(group(), reading({zero})));
    start_in(make(root(), path + "/below").value().fd.number(), [&] { witness->watch(); });
    while (witness->rounds < 100) sys::pause(1);
    const auto end = sys::monotonic_ns() + 1'000'000'000;
    for (int round = 0; sys::monotonic_ns() < end; ++round)
        ASSERT_TRUE(install_device_filter(group(), reading({zero, round % 2 == 0 ? random : 9})));
    EXPECT_GT(witness->rounds, 1000u);
    EXPECT_EQ(witness->wrongly_allowed, 0u);
    EXPECT_EQ(witness->wrongly_denied, 0u);
    ::munmap(page, 4096);
}

TEST_F(DeviceReplacement, RaisesTheLimitOfLockedMemoryForAMomentOnly) {
    EXPECT_EQ(testing::in_child([&] {
                  rlimit limit{};
                  ::getrlimit(RLIMIT_MEMLOCK, &limit);
                  const rlimit before{0, limit.rlim_max};
                  ::setrlimit(RLIMIT_MEMLOCK, &before);
                  if (!install_device_filter(group(), reading({zero}))) return 1;
                  ::getrlimit(RLIMIT_MEMLOCK, &limit);
                  return limit.rlim_cur == 0 && limit.rlim_max == before.rlim_max ? 0 : 2;
              }),
              0);
}

// Before 5.11 programs count as locked memory.
bool counts_as_locked_memory() {
    utsname names{};
    ::uname(&names);
    unsigned major = 0, minor = 0;
    std::sscanf(names.release, "%u.%u", &major, &minor);
    return major < 5 || (major == 5 && minor < 11);
}

// Out of the effective and the permitted set.
void drop_capability(unsigned number) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2]{};
    ::syscall(SYS_capget, &header, sets);
    sets[CAP_TO_INDEX(number)].effective &= ~CAP_TO_MASK(number);
    sets[CAP_TO_INDEX(number)].permitted &= ~CAP_TO_MASK(number);
    ::syscall(SYS_capset, &header, sets);
}

TEST_F(DeviceReplacement, NeedsNeitherSysResourceNorLockedMemory) {
    if (counts_as_locked_memory()) GTEST_SKIP() << "it needs locked memory before 5.11";
    EXPECT_EQ(testing::in_child([&] {
                  const rlimit none{0, 0};
                  ::setrlimit(RLIMIT_MEMLOCK, &none);
                  drop_capability(CAP_SYS_RESOURCE);
                  return install_device_filter(group(), reading({zero})) ? 0 : 1;
              }),
              0);
    EXPECT_EQ(names(), one);
}

TEST_F(DeviceReplacement, LeavesNoDescriptorBehind) {
    const Fd other = add(reading({zero}), "other");
    add(reading({zero}));
    const int next = ::dup(0);
    ::close(next);
    for (int round = 0; round < 10; ++round) {
        ASSERT_TRUE(install_device_filter(group(), reading({full})));
        ASSERT_TRUE(has_device_filter(group()).value());
    }
    const int after = ::dup(0);
    ::close(after);
    EXPECT_EQ(after, next);
}

}  // namespace
}  // namespace bulkhead::cgroups
