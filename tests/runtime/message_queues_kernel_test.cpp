// SPDX-License-Identifier: Apache-2.0
// OpenMessageQueues: mqueue is one file system per ipc namespace.
#include <linux/mount.h>
#include <sched.h>
#include <sys/statvfs.h>

#include "base/kernel.hpp"
#include "namespaces/visit.hpp"
#include "runtime/meeting.hpp"
#include "support/kernel_release.hpp"

namespace bulkhead::runtime {
namespace {

constexpr long mqueue_magic = 0x19800202;

struct Queues : test::Meeting {
    Queues() { context.host.slots.resize(2); }
    const Fd& open(std::optional<plan::Slot> ipc, plan::MountAttributes attributes = {}) {
        EXPECT_EQ(error_of(plan::OpenMessageQueues{ipc, attributes, {1}}), "");
        return context.host.slots[1];
    }
    dev_t device(std::optional<plan::Slot> ipc) { return sys::status_of(open(ipc).number())->st_dev; }
};

TEST(OpenMessageQueues, AreThoseOfTheNamespaceInTheSlot) {
    NEEDS_ROOT();
    test::in_namespaces(CLONE_NEWIPC, [] {
        Queues queues;
        queues.context.host.slots[0] = *namespaces::open_own(CLONE_NEWIPC);
        const dev_t ours = queues.device(std::nullopt);
        EXPECT_EQ(queues.device(plan::Slot{0}), ours);
        ASSERT_EQ(::unshare(CLONE_NEWIPC), 0);
        EXPECT_NE(queues.device(std::nullopt), ours);
        const dev_t next = queues.device(std::nullopt);
        EXPECT_EQ(queues.device(plan::Slot{0}), ours) << "of the one that we were in before";
        EXPECT_EQ(queues.device(std::nullopt), next) << "where the visit has come back from";
    });
}

TEST(OpenMessageQueues, HaveTheirAttributesFromTheBeginning) {
    NEEDS_ROOT();
    NEEDS_KERNEL(5, 12);
    Queues queues;
    const Fd& tree = queues.open(std::nullopt, {.set = MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID});
    EXPECT_EQ(*sys::filesystem_type(tree.number()), mqueue_magic);
    struct statvfs status {};
    ASSERT_EQ(::fstatvfs(tree.number(), &status), 0);
    EXPECT_EQ(status.f_flag & (ST_NOEXEC | ST_NOSUID | ST_RDONLY), ST_NOEXEC | ST_NOSUID);
}

TEST(OpenMessageQueues, OfAnotherKindOfNamespaceFail) {
    NEEDS_ROOT();
    Queues queues;
    queues.context.host.slots[0] = *namespaces::open_own(CLONE_NEWUTS);
    EXPECT_NE(queues.error_of(plan::OpenMessageQueues{plan::Slot{0}, {}, {1}}).find("setns"),
              std::string::npos);
    EXPECT_FALSE(queues.context.host.slots[1]);
}

}  // namespace
}  // namespace bulkhead::runtime
