// SPDX-License-Identifier: Apache-2.0
// What engines really send, caller by caller, for the verbs that exist.
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "cli/command_line.hpp"

namespace bulkhead::cli {
namespace {

struct Case {
    std::string_view caller;
    std::string_view line;
    std::string_view expected;  // VERB OPERANDS, then name=value for what is not as by default
};

void add(std::string& text, std::string_view name, std::string_view value) {
    if (!value.empty()) text.append(cat(' ', name, '=', value));
}

void add(std::string& text, std::string_view name, bool value) {
    if (value) text.append(cat(' ', name));
}

// Of each verb those flags that it has.
template <class Flags>
void add_own(std::string& text, const Flags& flags) {
    if constexpr (requires { flags.bundle; }) add(text, "bundle", flags.bundle);
    if constexpr (requires { flags.pid_file; }) add(text, "pid-file", flags.pid_file);
    if constexpr (requires { flags.console_socket; }) add(text, "console-socket", flags.console_socket);
    if constexpr (requires { flags.pidfd_socket; }) add(text, "pidfd-socket", flags.pidfd_socket);
    if constexpr (requires { flags.preserve_fds; })
        add(text, "preserve-fds", flags.preserve_fds == 0 ? "" : cat(flags.preserve_fds));
    if constexpr (requires { flags.format; })
        add(text, "format", flags.format == "table" ? "" : flags.format);
    if constexpr (requires { flags.no_pivot; }) add(text, "no-pivot", flags.no_pivot);
    if constexpr (requires { flags.no_new_keyring; }) add(text, "no-new-keyring", flags.no_new_keyring);
    if constexpr (requires { flags.detach; }) add(text, "detach", flags.detach);
    if constexpr (requires { flags.keep; }) add(text, "keep", flags.keep);
    if constexpr (requires { flags.no_subreaper; }) add(text, "no-subreaper", flags.no_subreaper);
    if constexpr (requires { flags.force; }) add(text, "force", flags.force);
    if constexpr (requires { flags.all; }) add(text, "all", flags.all);
    if constexpr (requires { flags.process; }) add(text, "process", flags.process);
    if constexpr (requires { flags.tty; }) add(text, "tty", flags.tty);
    if constexpr (requires { flags.cwd; }) add(text, "cwd", flags.cwd);
    if constexpr (requires { flags.env; }) add(text, "env", join(flags.env, "+"));
    if constexpr (requires { flags.user; }) add(text, "user", flags.user.value_or(""));
    if constexpr (requires { flags.additional_gids; }) add(text, "gids", join(flags.additional_gids, "+"));
    if constexpr (requires { flags.capabilities; }) add(text, "cap", join(flags.capabilities, "+"));
    if constexpr (requires { flags.cgroups; }) add(text, "cgroup", join(flags.cgroups, "+"));
    if constexpr (requires { flags.ignore_paused; }) add(text, "ignore-paused", flags.ignore_paused);
}

std::string shown(const CommandLine& line) {
    std::string text = line.command == Command::none ? "-" : std::string(row_of(line.command).name);
    for (const std::string& operand : line.operands) text.append(cat(' ', operand));
    const GlobalFlags& global = line.options.global;
    add(text, "root", global.root.value_or(""));
    add(text, "log", global.log.value_or(""));
    add(text, "log-format", global.log_format == "text" ? "" : global.log_format);
    add(text, "rootless", global.rootless == "auto" ? "" : global.rootless);
    add(text, "cgroup-manager", global.cgroup_manager.value_or(""));
    add(text, "criu", global.criu);
    add(text, "debug", global.debug.value_or(false));
    add(text, "systemd-cgroup", global.systemd_cgroup.value_or(false));
    add(text, "version", global.version);
    std::visit([&](const auto& flags) { add_own(text, flags); }, line.options.verb);
    return text;
}

std::string read(std::string_view line) {
    std::vector<std::string> words;
    for (const std::string_view word : split(line, ' ')) words.emplace_back(word);
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    const CommandLine parsed = parse_command_line(argv);
    return parsed.error ? parsed.error->text : shown(parsed);
}

TEST(Callers, AreUnderstood) {
    for (const Case& c : {
             // go-runc, the library below the shim and BuildKit
             Case{"go-runc create",
                  "--root R --debug --log L --log-format json --systemd-cgroup --rootless=true create "
                  "--bundle B "
                  "--pid-file P --console-socket S --pidfd-socket D --no-pivot --no-new-keyring --detach "
                  "--preserve-fds 2 ID",
                  "create ID root=R log=L log-format=json rootless=true debug systemd-cgroup bundle=B "
                  "pid-file=P "
                  "console-socket=S pidfd-socket=D preserve-fds=2 no-pivot no-new-keyring detach"},
             {"go-runc 1.0", "--root R --criu /usr/bin/criu --rootless=false start ID",
              "start ID root=R rootless=false criu=/usr/bin/criu"},
             {"go-runc run", "--log L --log-format json run --bundle B --pid-file P --detach ID",
              "run ID log=L log-format=json bundle=B pid-file=P detach"},
             {"go-runc kill", "--root R kill --all ID 9", "kill ID 9 root=R all"},
             {"go-runc delete", "--root R delete --force ID", "delete ID root=R force"},
             {"go-runc list", "--root R list --format=json", "list root=R format=json"},
             {"go-runc exec",
              "--root R --log L --log-format json exec --process F --console-socket S --pidfd-socket D "
              "--detach --pid-file P ID",
              "exec ID root=R log=L log-format=json pid-file=P console-socket=S pidfd-socket=D detach "
              "process=F"},
             {"go-runc ps", "--root R ps --format json ID", "ps ID root=R format=json"},
             {"go-runc top", "--root R ps --format table ID -o pid,cmd", "ps ID -o pid,cmd root=R"},
             {"go-runc pause", "--root R pause ID", "pause ID root=R"},
             {"go-runc resume", "--root R resume ID", "resume ID root=R"},
             {"go-runc version", "--root R --version", "- root=R version"},
             {"go-runc features", "--root R --systemd-cgroup features", "features root=R systemd-cgroup"},
             // containerd's shim
             {"shim create",
              "--root /run/containerd/runc/k8s.io --log /b/log.json --log-format json --systemd-cgroup "
              "create "
              "--bundle /b --pid-file /b/init.pid ID",
              "create ID root=/run/containerd/runc/k8s.io log=/b/log.json log-format=json systemd-cgroup "
              "bundle=/b "
              "pid-file=/b/init.pid"},
             {"shim crash cleanup", "--root R --log L --log-format json delete --force ID",
              "delete ID root=R log=L log-format=json force"},
             {"shim -info", "features", "features"},
             // dockerd: probes, and runtimeArgs in front of what the shim sends anyway
             {"dockerd", "--version", "- version"},
             {"dockerd wrapper", "--debug --root A --log A --root B --log B --log-format json state ID",
              "state ID root=B log=B log-format=json debug"},
             // conmon, for podman and CRI-O
             {"conmon create",
              "--systemd-cgroup --root=/run/crun create --bundle B --pid-file P --no-pivot --no-new-keyring "
              "--preserve-fds 1 --console-socket S ID",
              "create ID root=/run/crun systemd-cgroup bundle=B pid-file=P console-socket=S preserve-fds=1 "
              "no-pivot "
              "no-new-keyring"},
             {"podman create", "--log-format=json --log /run/oci-log create --bundle B --pid-file P ID",
              "create ID log=/run/oci-log log-format=json bundle=B pid-file=P"},
             {"podman --cgroups=disabled", "--cgroup-manager disabled create --bundle B --pid-file P ID",
              "create ID cgroup-manager=disabled bundle=B pid-file=P"},
             {"podman exec",
              "--log-format=json --log L exec --pid-file P --process F --detach --preserve-fds 1 "
              "--console-socket S ID",
              "exec ID log=L log-format=json pid-file=P console-socket=S preserve-fds=1 detach process=F"},
             {"podman start", "start ID", "start ID"},
             {"podman kill", "kill ID 15", "kill ID 15"},
             {"podman delete", "delete --force ID", "delete ID force"},
             {"podman state", "state ID", "state ID"},
             // CRI-O
             {"CRI-O state", "--root R --systemd-cgroup state ID", "state ID root=R systemd-cgroup"},
             {"CRI-O stop", "--root R kill ID KILL", "kill ID KILL root=R"},
             {"CRI-O node pid", "--root R kill -a ID 9", "kill ID 9 root=R all"},
             // conmon-rs sends every global twice
             {"conmon-rs create",
              "--root=R --systemd-cgroup --root=R --systemd-cgroup create --bundle B --pid-file P "
              "--console-socket=S ID",
              "create ID root=R systemd-cgroup bundle=B pid-file=P console-socket=S"},
             {"conmon-rs exec", "--root=R exec -d --console-socket=S --tty --pid-file=P ID ls -l --all",
              "exec ID ls -l --all root=R pid-file=P console-socket=S detach tty"},
             // buildah
             {"buildah create", "create --bundle B --pid-file B/pid --no-new-keyring --no-pivot ID",
              "create ID bundle=B pid-file=B/pid no-pivot no-new-keyring"},
             {"buildah kill", "kill ID SIGKILL", "kill ID SIGKILL"},
             {"buildah kill, no signal", "kill ID", "kill ID"},
             // BuildKit
             {"BuildKit run", "--log L --log-format json run --bundle B --no-pivot --keep ID",
              "run ID log=L log-format=json bundle=B no-pivot keep"},
             {"BuildKit delete", "--log L --log-format json delete ID", "delete ID log=L log-format=json"},
             // crun's forms
             {"crun globals", "--cgroup-manager=cgroupfs --log=file:/l --log-level=debug start ID",
              "start ID log=file:/l cgroup-manager=cgroupfs"},
             {"one dash", "run --bundle B -no-subreaper -d ID", "run ID bundle=B detach no-subreaper"},
         })
        EXPECT_EQ(read(c.line), c.expected) << c.caller << ": " << c.line;
}

}  // namespace
}  // namespace bulkhead::cli
