// SPDX-License-Identifier: Apache-2.0
#include "base/files.hpp"
#include "base/waiting.hpp"
#include "cgroups/group/events.hpp"
#include "cgroups/group/group.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr const char* file = "cgroup.freeze";

// False if the deadline passed first.
Result<bool> becomes(const Events& events, bool frozen, int deadline_ms) {
    BackOff back_off(deadline_ms);
    for (;;) {
        LET(const bool now, events.flag("frozen"));
        if (now == frozen) return true;
        TRY(sys::heed_interrupts());
        const std::uint64_t pause = back_off.next();
        if (pause == 0) return false;
        events.wait(pause);
    }
}

Result<> freeze_until(int cgroup_fd, const Events& events, int deadline_ms) {
    LET(const bool frozen, becomes(events, true, deadline_ms));
    if (frozen) return {};
    LET(const auto left, processes(cgroup_fd));
    return fail(Kind::kernel, "unable to freeze: not all of ", left.size(), " process(es) stopped within ",
                deadline_ms, " ms");
}

}  // namespace

Result<> ask_to_freeze(int cgroup_fd) { return write_kernel_file(cgroup_fd, file, "1"); }
Result<> ask_to_thaw(int cgroup_fd) { return write_kernel_file(cgroup_fd, file, "0"); }

Result<> freeze(int cgroup_fd, int deadline_ms) {
    LET(const Events events, Events::open(cgroup_fd));
    TRY(ask_to_freeze(cgroup_fd));
    auto frozen = freeze_until(cgroup_fd, events, deadline_ms);
    if (!frozen) (void)ask_to_thaw(cgroup_fd);
    return frozen;
}

Result<> thaw(int cgroup_fd, int deadline_ms) {
    LET(const Events events, Events::open(cgroup_fd));
    TRY(ask_to_thaw(cgroup_fd));
    LET(const bool thawed, becomes(events, false, deadline_ms));
    if (!thawed) return fail(Kind::bad_state, "unable to thaw: a cgroup above it is frozen");
    return {};
}

}  // namespace bulkhead::cgroups
