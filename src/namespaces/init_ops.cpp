// SPDX-License-Identifier: Apache-2.0
#include "namespaces/init_ops.hpp"

#include <linux/sockios.h>

namespace bulkhead::namespaces {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

// struct ifreq of SIOCGIFFLAGS and SIOCSIFFLAGS; linux/if.h wants libc's sockaddr.
struct InterfaceFlags {
    char name[16];
    short flags;
    char rest[22];
};
static_assert(sizeof(InterfaceFlags) == 40);

}  // namespace

Outcome apply(StageContext&, const plan::UnshareNamespaces& op) {
    return outcome(raw::call(__NR_unshare, static_cast<long>(op.flags)), plan::Call::unshare);
}

Outcome apply(StageContext&, const plan::RaiseLoopback&) {
    constexpr long inet = 2, datagram_cloexec = 2 | 02000000;
    constexpr short up = 1;  // IFF_UP
    const raw::Handle socket(raw::call(__NR_socket, inet, datagram_cloexec, 0L));
    ATTEMPT(socket.number(), socket);
    InterfaceFlags loopback{"lo", 0, {}};
    ATTEMPT(raw::call(__NR_ioctl, long{socket.number()}, long{SIOCGIFFLAGS}, &loopback), ioctl);
    loopback.flags = static_cast<short>(loopback.flags | up);
    return outcome(raw::call(__NR_ioctl, long{socket.number()}, long{SIOCSIFFLAGS}, &loopback),
                   plan::Call::ioctl);
}

Outcome apply(StageContext& stage, const plan::SetHostname& op) {
    return outcome(raw::call(__NR_sethostname, stage.arena.text(op.name), long{op.name.size}),
                   plan::Call::sethostname);
}

Outcome apply(StageContext& stage, const plan::SetDomainname& op) {
    return outcome(raw::call(__NR_setdomainname, stage.arena.text(op.name), long{op.name.size}),
                   plan::Call::setdomainname);
}

}  // namespace bulkhead::namespaces
