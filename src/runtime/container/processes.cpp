// SPDX-License-Identifier: Apache-2.0
// kill, pause, resume and ps: they reach the processes of a container by its cgroup.
#include <signal.h>

#include "base/sys.hpp"
#include "base/waiting.hpp"
#include "cgroups/group/group.hpp"
#include "runtime/container/container.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/refusal.hpp"
#include "runtime/record/identity.hpp"

namespace bulkhead::runtime {

using lifecycle::Rule;
using lifecycle::Status;
using lifecycle::Verb;

namespace {

// The container under its lock. An error if its status does not allow the verb.
Result<Found> find_for(Verb verb, const Site& site, const std::string& id, bool force = false) {
    LET(Found found, find_locked(site, id));
    const Rule rule = lifecycle::rule(found.status, verb, force);
    if (lifecycle::refuses(rule)) return refusal(rule, id, found.status);
    return found;
}

Result<> signal_init(const State& state, int signal) {
    const auto init = open_init(state);
    if (!init) return fail(Kind::bad_state, lifecycle::words(Rule::not_running), ": ", state.id);
    auto sent = sys::signal_process(init->number(), signal);
    if (!sent && sent.error().err == ESRCH)
        return fail(Kind::bad_state, lifecycle::words(Rule::not_running), ": ", state.id);
    return sent;
}

// Without a pid namespace of its own, init does not take the others with it.
Result<> kill_cgroup(const State& state) {
    if (state.cgroup_path.empty())
        return fail(
            Kind::unsupported, "container ", state.id,
            ": it has neither a cgroup nor a pid namespace of its own, so not all of it can be killed");
    LET(const Fd group, open_own_cgroup(state));
    return group ? cgroups::kill_all(group.number()) : Result<>();
}

// This includes what a stopped container has left in its cgroup.
Result<> signal_everybody(const Found& found, int signal) {
    LET(const Fd group, open_own_cgroup(found.state));
    if (group) return cgroups::signal_all(group.number(), signal);
    if (found.status == Status::stopped) return {};
    if (signal != SIGKILL) return no_cgroup(found.state.id, "only its init process can be signalled");
    return found.state.private_pids ? signal_init(found.state, signal) : kill_cgroup(found.state);
}

// Before its program runs, the first process of a pid namespace handles no signal, and the kernel delivers
// only SIGKILL to it (pid_namespaces(7)). So the four signals that ask a process to end become SIGKILL. With
// runc, a Go program, they end the process, and engines rely on that.
int effective(int signal, const Found& found) {
    const bool deaf = found.start_awaited && found.state.private_pids;
    return deaf && sys::is_interrupt(signal) ? SIGKILL : signal;
}

}  // namespace

// The processes that it froze go on, even if a signal ends us.
Result<> kill(const Site& site, const std::string& id, int signal, bool all) {
    LET(const Found found, find_for(Verb::kill, site, id, all));
    const int sent = effective(signal, found);
    if (all) {
        const sys::HeldInterrupts held;
        return signal_everybody(found, sent);
    }
    if (sent == SIGKILL && !found.state.private_pids) return kill_cgroup(found.state);
    return signal_init(found.state, sent);
}

Result<> pause(const Site& site, const std::string& id) {
    constexpr int deadline_ms = 10'000;
    LET(const Found found, find_for(Verb::pause, site, id));
    LET(const Fd group, open_own_cgroup(found.state));
    if (!group) return no_cgroup(found.state.id, "it cannot be paused");
    const sys::HeldInterrupts held;  // a signal must not leave the container half frozen
    return cgroups::freeze(group.number(), deadline_ms);
}

Result<> resume(const Site& site, const std::string& id) {
    constexpr int deadline_ms = 1000;  // nothing can keep them but a frozen cgroup above
    LET(const Found found, find_for(Verb::resume, site, id));
    LET(const Fd group, open_own_cgroup(found.state));
    if (!group) return no_cgroup(found.state.id, "it cannot be resumed");
    return cgroups::thaw(group.number(), deadline_ms);
}

Result<std::vector<pid_t>> processes(const Site& site, const std::string& id) {
    LET(const Found found, find(site, id));
    if (found.status == Status::removed || found.status == Status::creating)
        return refusal(Rule::does_not_exist, id, found.status);
    LET(const Fd group, open_own_cgroup(found.state));
    if (group) return cgroups::processes(group.number());
    if (found.status == Status::stopped) return std::vector<pid_t>();
    return no_cgroup(found.state.id, "its processes cannot be listed");
}

}  // namespace bulkhead::runtime
