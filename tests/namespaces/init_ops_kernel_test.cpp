// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <csignal>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/stage.hpp"
// then what includes base/raw.hpp
#include "namespaces/init_ops.hpp"

namespace bulkhead::namespaces {
namespace {

using test::fails;
using test::in_child;
using test::in_namespaces;
using test::Stage;
using test::succeeded;

short flags_of_lo() {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    EXPECT_EQ(::ioctl(socket.number(), SIOCGIFFLAGS, &request), 0);
    return request.ifr_flags;
}

std::string link_of(const std::string& path) { return std::filesystem::read_symlink(path).string(); }

TEST(RaiseLoopback, BringsLoUpInANewNetworkNamespace) {
    NEEDS_ROOT();
    in_namespaces(CLONE_NEWNET, [] {
        ASSERT_EQ(flags_of_lo() & IFF_UP, 0);
        Stage stage;
        const std::size_t before = test::open_descriptors();
        ASSERT_TRUE(succeeded(apply(stage.context, plan::RaiseLoopback{})));
        EXPECT_NE(flags_of_lo() & IFF_UP, 0);
        EXPECT_EQ(test::open_descriptors(), before);
    });
}

TEST(RaiseLoopback, WithoutPrivilegeNamesTheCall) {
    NEEDS_ROOT();
    in_namespaces(CLONE_NEWNET, [] {
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        Stage stage;
        EXPECT_TRUE(fails(apply(stage.context, plan::RaiseLoopback{}), EPERM, plan::Call::ioctl));
    });
}

// A process in new namespaces that waits until it is killed.
class Inhabitant {
  public:
    explicit Inhabitant(int flags) {
        int ready[2] = {};
        EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::alarm(60);
            const char done = ::unshare(flags) == 0 ? 'y' : 'n';
            (void)!::write(ready[1], &done, 1);
            for (;;) ::pause();
        }
        ::close(ready[1]);
        char done = 0;
        EXPECT_EQ(::read(ready[0], &done, 1), 1);
        EXPECT_EQ(done, 'y');
        ::close(ready[0]);
        pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    }
    ~Inhabitant() {
        ::kill(pid_, SIGKILL);
        test::reap(pid_);
    }
    Inhabitant(const Inhabitant&) = delete;
    Inhabitant& operator=(const Inhabitant&) = delete;
    int pidfd() const { return pidfd_.number(); }
    std::string link(const std::string& type) const { return link_of(cat("/proc/", pid_, "/ns/", type)); }

  private:
    pid_t pid_ = -1;
    Fd pidfd_;
};

TEST(JoinContainer, EntersAllNamespacesAtOnceAndTakesTheRoot) {
    NEEDS_ROOT();
    const Inhabitant inhabitant(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS);
    in_child([&] {
        Stage stage;
        const plan::Slot process = stage.slot(inhabitant.pidfd());
        const std::string net = link_of("/proc/self/ns/net");
        ASSERT_TRUE(succeeded(
            apply(stage.context, plan::JoinContainer{process, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS})));
        for (const char* type : {"uts", "ipc", "mnt"})
            EXPECT_EQ(link_of(cat("/proc/self/ns/", type)), inhabitant.link(type)) << type;
        EXPECT_EQ(link_of("/proc/self/ns/net"), net);
        EXPECT_GE(stage.context.root, 0);
    });
}

TEST(JoinContainer, OfAnEndedProcessIsRefused) {
    NEEDS_ROOT();
    in_child([] {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(0);
        const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
        test::reap(child);
        Stage stage;
        EXPECT_TRUE(fails(apply(stage.context, plan::JoinContainer{stage.slot(pidfd.number()), CLONE_NEWUTS}),
                          ESRCH, plan::Call::setns));
    });
}

TEST(SetHostname, AndDomainnameInANewUtsNamespace) {
    NEEDS_ROOT();
    utsname before{}, after{};
    ::uname(&before);
    in_namespaces(CLONE_NEWUTS, [] {
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetHostname{stage.text("box")})));
        ASSERT_TRUE(succeeded(apply(stage.context, plan::SetDomainname{stage.text("yard.example")})));
        utsname names{};
        ::uname(&names);
        EXPECT_STREQ(names.nodename, "box");
        EXPECT_STREQ(names.domainname, "yard.example");
    });
    ::uname(&after);
    EXPECT_STREQ(before.nodename, after.nodename);
}

TEST(SetHostname, OfMoreThan64BytesIsRefused) {
    NEEDS_ROOT();
    in_namespaces(CLONE_NEWUTS, [] {
        Stage stage;
        EXPECT_TRUE(succeeded(apply(stage.context, plan::SetHostname{stage.text(std::string(64, 'a'))})));
        const plan::Text longer = stage.text(std::string(65, 'a'));
        EXPECT_TRUE(fails(apply(stage.context, plan::SetHostname{longer}), EINVAL, plan::Call::sethostname));
        EXPECT_TRUE(
            fails(apply(stage.context, plan::SetDomainname{longer}), EINVAL, plan::Call::setdomainname));
    });
}

TEST(UnshareNamespaces, MakesTheOnesThatAreNamed) {
    NEEDS_ROOT();
    in_child([] {
        const std::string cgroup = link_of("/proc/self/ns/cgroup"), uts = link_of("/proc/self/ns/uts");
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::UnshareNamespaces{CLONE_NEWCGROUP})));
        EXPECT_NE(link_of("/proc/self/ns/cgroup"), cgroup);
        EXPECT_EQ(link_of("/proc/self/ns/uts"), uts);
    });
}

TEST(JoinNamespace, EntersTheOneOfTheSlot) {
    NEEDS_ROOT();
    in_child([] {
        const std::string before = link_of("/proc/self/ns/uts");
        const Fd uts(::open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC));
        ASSERT_EQ(::unshare(CLONE_NEWUTS), 0);
        Stage stage;
        const plan::JoinNamespace op{stage.slot(uts.number()), CLONE_NEWUTS};
        ASSERT_TRUE(succeeded(apply(stage.context, op)));
        EXPECT_EQ(link_of("/proc/self/ns/uts"), before);
        EXPECT_EQ(stage.context.joined_pids, -1);
        EXPECT_TRUE(fails(apply(stage.context, plan::JoinNamespace{op.file, CLONE_NEWNET}), EINVAL,
                          plan::Call::setns));
    });
}

TEST(JoinNamespace, RemembersWhosePidsAProcfsHasToShow) {
    NEEDS_ROOT();
    in_child([] {
        const Fd pids(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
        Stage stage;
        ASSERT_TRUE(
            succeeded(apply(stage.context, plan::JoinNamespace{stage.slot(pids.number()), CLONE_NEWPID})));
        EXPECT_EQ(stage.context.joined_pids, pids.number());
    });
}

TEST(AssumeIds, TakesThemForGood) {
    NEEDS_ROOT();
    in_child([] {
        Stage stage;
        ASSERT_TRUE(succeeded(apply(stage.context, plan::AssumeIds{12, 34})));
        uid_t real = 0, effective = 0, saved = 0;
        ASSERT_EQ(::getresuid(&real, &effective, &saved), 0);
        EXPECT_TRUE(real == 12 && effective == 12 && saved == 12);
        EXPECT_EQ(::getgid(), 34u);
        EXPECT_TRUE(fails(apply(stage.context, plan::AssumeIds{12, 0}), EPERM, plan::Call::setresgid));
        EXPECT_TRUE(fails(apply(stage.context, plan::AssumeIds{0, 34}), EPERM, plan::Call::setresuid));
    });
}

TEST(SetTimeOffsets, SetsTheClockOfTheNamespaceItsChildrenAreIn) {
    NEEDS_ROOT();
    in_child([] {
        const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
        ASSERT_EQ(::unshare(CLONE_NEWTIME), 0);
        Stage stage;
        stage.context.procfs = proc.number();
        timespec host{}, inside{};
        ::clock_gettime(CLOCK_MONOTONIC, &host);
        const plan::SetTimeOffsets op{stage.text("monotonic 86400 0\n")};
        ASSERT_TRUE(succeeded(apply(stage.context, op)));
        in_child([&] {
            ::clock_gettime(CLOCK_MONOTONIC, &inside);
            EXPECT_GE(inside.tv_sec, host.tv_sec + 86400);
        });
        EXPECT_TRUE(fails(apply(stage.context, op), EACCES, plan::Call::write)) << "somebody was in it";
    });
}

TEST(SetTimeOffsets, ThatTheKernelRefusesNameTheWrite) {
    NEEDS_ROOT();
    in_child([] {
        const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
        ASSERT_EQ(::unshare(CLONE_NEWTIME), 0);
        Stage stage;
        stage.context.procfs = proc.number();
        const plan::SetTimeOffsets words{stage.text("some words\n")},
            far{stage.text("boottime -99999999999 0\n")};
        EXPECT_TRUE(fails(apply(stage.context, words), EINVAL, plan::Call::write));
        EXPECT_TRUE(fails(apply(stage.context, far), ERANGE, plan::Call::write));
    });
}

TEST(UnshareNamespaces, WithoutPrivilegeIsRefused) {
    NEEDS_ROOT();
    in_child([] {
        ASSERT_EQ(::setresuid(1234, 1234, 1234), 0);
        Stage stage;
        EXPECT_TRUE(fails(apply(stage.context, plan::UnshareNamespaces{CLONE_NEWCGROUP}), EPERM,
                          plan::Call::unshare));
    });
}

}  // namespace
}  // namespace bulkhead::namespaces
