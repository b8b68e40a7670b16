// SPDX-License-Identifier: Apache-2.0
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>

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
