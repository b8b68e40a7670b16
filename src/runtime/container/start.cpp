// SPDX-License-Identifier: Apache-2.0
// start: the hooks before the program, its release, the hooks after it.
#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/sys.hpp"
#include "runtime/attached/notify_socket.hpp"
#include "runtime/compile/compile.hpp"
#include "runtime/container/container.hpp"
#include "runtime/container/later_hooks.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/refusal.hpp"
#include "runtime/record/identity.hpp"
#include "runtime/steps/hooks.hpp"
#include "runtime/steps/walk.hpp"

namespace bulkhead::runtime {

namespace {

Result<Fd> notify_socket_of(const Found& found) {
    const int number = found.state.notify_descriptor;
    if (number == 0) return renew_notify_socket(found.directory.number());
    const auto init = open_init(found.state);
    if (!init) return fail(Kind::bad_state, lifecycle::words(lifecycle::Rule::has_stopped));
    auto socket = take_notify_socket(*init, number);
    if (!socket && socket.error().err == EPERM)
        return std::unexpected(std::move(socket).error().under(
            "to take it from init needs CAP_SYS_PTRACE, and kernel.yama.ptrace_scope below 3"));
    return socket;
}

Result<ReadinessRelay> listen_for_readiness(const Found& found, const std::string& notify_socket) {
    if (notify_socket.empty()) return ReadinessRelay();
    LET(ReadinessRelay readiness, ReadinessRelay::to(notify_socket));
    auto socket = notify_socket_of(found);
    if (!socket && socket.error().kind == Kind::not_found)
        return std::unexpected(std::move(socket).error().under(
            "NOTIFY_SOCKET is set, but was not when the container was created"));
    if (!socket) return std::unexpected(std::move(socket).error().under("NOTIFY_SOCKET"));
    readiness.listen(std::move(*socket));
    return readiness;
}

// While hooks run, other verbs may act: delete --force must work while a hook hangs. A second start must not
// run the hooks again.
Result<Fd> take_turn(const Found& found) {
    LET(Fd turn, sys::open_at(found.directory.number(), config_copy, O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
    LET(const bool free, sys::try_lock(turn.number(), LOCK_EX));
    if (!free)
        return fail(Kind::bad_state, "container is being started by another process: ", found.state.id);
    TRY(sys::unlock(found.directory.number()));
    return turn;
}

Result<> lock_again(const Found& found) {
    TRY(lock_container(found.directory, found.state.id));
    LET(const struct stat status, sys::status_of(found.directory.number()));
    if (status.st_nlink != 0) return {};
    return refusal(lifecycle::Rule::does_not_exist, found.state.id, lifecycle::Status::removed);
}

Result<> release(const Found& found, const StartHooks& hooks) {
    LET(const plan::Timeline timeline, compile_start(!hooks.poststart.steps().empty()));
    ExecutionContext context;
    context.record.state = found.state;
    LET(context.record.directory, sys::open_at(found.directory.number(), ".", O_RDONLY | O_DIRECTORY));
    return walk(timeline, context);
}

}  // namespace

Result<> start(const Site& site, const std::string& id, const std::string& notify_socket) {
    LET(Found found, find_locked(site, id));
    const lifecycle::Rule rule = lifecycle::rule(found.status, lifecycle::Verb::start);
    if (lifecycle::refuses(rule)) return refusal(rule, id, found.status);
    if (!found.state.has_program) return no_program(id);
    LET(const StartHooks hooks, hooks_of_start(site, found.directory.number(), found.state));
    LET(ReadinessRelay readiness, listen_for_readiness(found, notify_socket));
    const auto failed = [&](Error why) -> std::unexpected<Error> {
        return std::unexpected(discard(site, found.state, std::move(found.directory), std::move(why)));
    };
    Fd turn;
    if (!hooks.start_container.steps().empty()) {
        LET(turn, take_turn(found));
        if (auto ran = run_hooks(hooks.start_container, found.state); !ran)
            return failed(std::move(ran).error());
        TRY(lock_again(found));
    }
    const auto init = open_init(found.state);
    TRY(release(found, hooks));
    TRY(sys::unlock(found.directory.number()));  // other verbs may act from here on
    if (auto ran = run_hooks(hooks.poststart, found.state); !ran) return failed(std::move(ran).error());
    found.directory.reset();
    return init ? readiness.until_done(*init, found.state.pid) : Result<>();
}

}  // namespace bulkhead::runtime
