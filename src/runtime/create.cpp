// SPDX-License-Identifier: Apache-2.0
// create, run and explain: from a bundle to a timeline, and the walk.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/time.hpp"
#include "namespaces/plan.hpp"
#include "runtime/attend.hpp"
#include "runtime/bundle.hpp"
#include "runtime/compile.hpp"
#include "runtime/container.hpp"
#include "runtime/observe.hpp"
#include "runtime/probe.hpp"
#include "runtime/run.hpp"

namespace bulkhead::runtime {

namespace {

enum class Mode : unsigned char { create, run, explain };

// Everything that is known before the first effect.
struct Project {
    Bundle bundle;
    plan::HostFacts host;
    Blueprint blueprint;
    plan::Timeline timeline;
};

// An empty path stays empty: not asked for.
Result<std::string> absolute_if_given(const std::string& path) {
    return path.empty() ? Result<std::string>(path) : absolute(path);
}

// The four ways to combine a terminal, its socket and who waits, in runc's words.
Result<> check_terminal(const spec::ValidSpec& spec, const CreateRequest& request, Mode mode) {
    const bool detached = mode == Mode::create || request.detach;
    const bool socket = !request.console_socket.empty();
    if (mode == Mode::explain) return {};
    if (spec.process().terminal && detached && !socket)
        return fail(Kind::usage,
                    "cannot allocate tty if bulkhead will detach without setting console socket");
    if (socket && !(spec.process().terminal && detached))
        return fail(Kind::usage, "cannot use console socket if bulkhead will not detach or allocate tty");
    return {};
}

Result<> check_request(const CreateRequest& request) {
    TRY(check_id(request.id));
    if (request.no_pivot) return fail(Kind::unsupported, "--no-pivot: not supported yet");
    for (unsigned i = 0; i < request.preserve_fds; ++i) {
        const int fd = static_cast<int>(3 + i);
        // A caller's descriptor cannot be close-on-exec behind our execve; ours (the log) always are.
        const int flags = ::fcntl(fd, F_GETFD);
        if (flags == -1 || (flags & FD_CLOEXEC) != 0)
            return fail(Kind::usage, "--preserve-fds ", request.preserve_fds, ": descriptor ", fd,
                        " is not open");
    }
    return {};
}

Result<Project> prepare(const Site& site, const CreateRequest& request, Mode mode) {
    TRY(check_request(request));
    LET(Bundle bundle, load_bundle(request.bundle));
    TRY(check_terminal(bundle.spec, request, mode));
    LET(plan::HostFacts host, probe());
    Blueprint blueprint{.id = request.id,
                        .bundle = bundle.path,
                        .root = bundle.root,
                        .state_directory = cat(site.root, '/', request.id),
                        .preserve_fds = request.preserve_fds,
                        .new_keyring = !request.no_new_keyring,
                        .await_start = mode != Mode::run};
    LET(blueprint.pid_file, absolute_if_given(request.pid_file));
    LET(blueprint.console_socket, absolute_if_given(request.console_socket));
    LET(blueprint.pidfd_socket, absolute_if_given(request.pidfd_socket));
    LET(plan::Timeline timeline, compile_creation(blueprint, bundle.spec, host));
    return Project{std::move(bundle), std::move(host), std::move(blueprint), std::move(timeline)};
}

Result<State> first_state(const Project& project) {
    LET(std::string cgroup, cgroup_path(project.blueprint, project.bundle.spec, project.host));
    return State{.id = project.blueprint.id,
                 .bundle = project.bundle.path,
                 .rootfs = project.bundle.root,
                 .created = rfc3339_now(),
                 .annotations = project.bundle.spec->annotations,
                 .cgroup_mount = project.host.cgroup_mount,
                 .cgroup_path = std::move(cgroup),
                 .private_pids = namespaces::is_new(project.bundle.spec, spec::NamespaceType::pid)};
}

// Walks the creation; the workshop then holds the new container.
Result<Workshop> make(const Site& site, const Project& project, const CreateRequest& request) {
    LET(const Fd root, make_root(site));
    Workshop workshop;
    LET(workshop.state, first_state(project));
    workshop.fault = request.fault;
    workshop.traced = !request.trace_file.empty();
    TRY(run(project.timeline, workshop));
    return workshop;
}

// What follows a `run` that has begun: the trace, and in the foreground the container's whole life.
Result<int> follow(const Project& project, const Workshop& workshop, const CreateRequest& request,
                   const SignalWatch* watch, std::uint64_t begin) {
    constexpr mode_t readable = 0644;
    if (!request.trace_file.empty())
        TRY(replace_file_at(sys::here, request.trace_file,
                            trace_text(project.timeline, workshop.times, begin), readable));
    if (watch == nullptr) return 0;
    return attend(*watch, workshop.state.pid, workshop.process, workshop.terminal);
}

// Whoever made it can remove it with what is in hand, unless somebody else has done so meanwhile. A pid
// namespace of its own has taken everything in it along with init.
Result<> clear(const Blueprint& blueprint, Workshop& workshop) {
    TRY(sys::lock(workshop.directory.number(), LOCK_EX));
    LET(const struct stat status, sys::status_of(workshop.directory.number()));
    if (status.st_nlink == 0) return {};
    LET(const plan::Timeline timeline,
        compile_removal(blueprint.state_directory, !workshop.state.private_pids));
    workshop.fault = {};
    return run(timeline, workshop);
}

}  // namespace

Result<Made> create(const Site& site, const CreateRequest& request) {
    LET(const Project project, prepare(site, request, Mode::create));
    TRY(make(site, project, request));
    return Made{.warnings = project.bundle.spec.warnings()};
}

Result<Made> run(const Site& site, const CreateRequest& request) {
    const std::uint64_t begin = sys::monotonic_ns();
    LET(const Project project, prepare(site, request, Mode::run));
    std::optional<SignalWatch> watch;
    if (!request.detach) {
        LET(watch, SignalWatch::start(!request.no_subreaper));
    }
    LET(Workshop workshop, make(site, project, request));
    const auto status = follow(project, workshop, request, watch ? &*watch : nullptr, begin);
    if (!status) {
        (void)remove(site, request.id, true);
        return std::unexpected(status.error());
    }
    if (!request.detach && !request.keep) TRY(clear(project.blueprint, workshop));
    return Made{.exit_status = *status, .warnings = project.bundle.spec.warnings()};
}

Result<plan::Timeline> explain(const Site& site, const CreateRequest& request) {
    LET(Project project, prepare(site, request, Mode::explain));
    return std::move(project.timeline);
}

}  // namespace bulkhead::runtime
