// SPDX-License-Identifier: Apache-2.0
#include "seccomp/compile.hpp"

#include <seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/sys.hpp"
#include "seccomp/library.hpp"
#include "seccomp/unknown_calls.hpp"
#include "spec/words.hpp"

namespace bulkhead::seccomp {

namespace {

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;
using Conditions = std::vector<scmp_arg_cmp>;

// libseccomp returns -errno.
std::unexpected<Error> refuse(int result, std::string_view pointer, std::string_view what) {
    auto refused = system_error(-result, cat("config.json: ", pointer, ": ", what));
    return std::unexpected(Error{Kind::unsupported, -result, std::move(refused.error().text)});
}

std::uint32_t library_action(spec::SeccompAction action, std::optional<std::uint32_t> errno_ret) {
    const std::uint32_t data = errno_ret.value_or(EPERM);
    switch (action) {
        case spec::SeccompAction::kill_thread: return SCMP_ACT_KILL_THREAD;
        case spec::SeccompAction::kill_process: return SCMP_ACT_KILL_PROCESS;
        case spec::SeccompAction::trap: return SCMP_ACT_TRAP;
        case spec::SeccompAction::error: return SCMP_ACT_ERRNO(data);
        case spec::SeccompAction::trace: return SCMP_ACT_TRACE(data);
        case spec::SeccompAction::allow: return SCMP_ACT_ALLOW;
        case spec::SeccompAction::log: return SCMP_ACT_LOG;
        case spec::SeccompAction::notify: return SCMP_ACT_NOTIFY;
    }
    return SCMP_ACT_KILL_PROCESS;
}

scmp_compare library_op(spec::SeccompOp op) {
    switch (op) {
        case spec::SeccompOp::ne: return SCMP_CMP_NE;
        case spec::SeccompOp::lt: return SCMP_CMP_LT;
        case spec::SeccompOp::le: return SCMP_CMP_LE;
        case spec::SeccompOp::eq: return SCMP_CMP_EQ;
        case spec::SeccompOp::ge: return SCMP_CMP_GE;
        case spec::SeccompOp::gt: return SCMP_CMP_GT;
        case spec::SeccompOp::masked_eq: return SCMP_CMP_MASKED_EQ;
    }
    return SCMP_CMP_EQ;
}

// The conditions of each rule that libseccomp gets. It takes one condition for each argument. If a profile
// has several for one argument, each of its conditions is a rule alone, as every engine and runtime reads it.
// No condition at all is one rule that always matches.
std::vector<Conditions> alternatives(const std::vector<spec::SeccompArg>& args) {
    Conditions all;
    std::array<int, 6> uses{};
    for (const spec::SeccompArg& arg : args) {
        all.push_back({arg.index, library_op(arg.op), arg.value, arg.value_two});
        ++uses.at(arg.index);
    }
    if (std::ranges::all_of(uses, [](int count) { return count <= 1; })) return {all};
    std::vector<Conditions> each;
    for (const scmp_arg_cmp& condition : all) each.push_back({condition});
    return each;
}

Result<> add_architectures(const Filter& filter, const spec::Seccomp& profile) {
    for (std::size_t i = 0; const spec::SeccompArch arch : profile.architectures) {
        const std::string pointer = cat("/linux/seccomp/architectures/", i++);
        const auto token = library_arch(arch);
        const int added = token ? seccomp_arch_add(filter.get(), *token) : -EINVAL;
        if (added != 0 && added != -EEXIST)
            return refuse(added, pointer,
                          cat(spec::word(arch), ": error adding architecture to seccomp filter (libseccomp ",
                              library_version(), ")"));
    }
    return {};
}

Result<> add_rule(const Filter& filter, const spec::SeccompSyscall& rule, std::uint32_t action,
                  const std::string& pointer) {
    const std::vector<Conditions> choices = alternatives(rule.args);
    for (std::size_t i = 0; const std::string& name : rule.names) {
        const std::string place = cat(pointer, "/names/", i++);
        const int number = seccomp_syscall_resolve_name(name.c_str());
        if (number == __NR_SCMP_ERROR) continue;
        for (const Conditions& conditions : choices) {
            const auto count = static_cast<unsigned>(conditions.size());
            const int added = seccomp_rule_add_array(filter.get(), action, number, count, conditions.data());
            if (added != 0)
                return refuse(added, place, cat(quoted(name), ": error adding seccomp filter rule"));
        }
    }
    return {};
}

Result<> add_rules(const Filter& filter, const spec::Seccomp& profile, std::uint32_t default_action) {
    for (std::size_t i = 0; const spec::SeccompSyscall& rule : profile.syscalls) {
        const std::string pointer = cat("/linux/seccomp/syscalls/", i++);
        const std::uint32_t action = library_action(rule.action, rule.errno_ret);
        if (action != default_action) TRY(add_rule(filter, rule, action, pointer));
    }
    return {};
}

bool has_notify_rule(const spec::Seccomp& profile) {
    return std::ranges::find(profile.syscalls, spec::SeccompAction::notify, &spec::SeccompSyscall::action) !=
           profile.syscalls.end();
}

bool applies(spec::SeccompFlag flag, bool notifies) {
    // The stage has one thread: nothing to synchronise, and with a listener the kernel refuses TSYNC.
    if (flag == spec::SeccompFlag::tsync) return false;
    return flag != spec::SeccompFlag::wait_killable_recv || notifies;
}

std::uint32_t load_flags(const spec::Seccomp& profile, bool notifies) {
    // Without a list of flags runc gives up the mitigation of speculative store bypass, which costs much.
    const std::vector<spec::SeccompFlag> listed =
        profile.flags.value_or(std::vector{spec::SeccompFlag::spec_allow});
    std::uint32_t flags = notifies ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    for (const spec::SeccompFlag flag : listed)
        if (applies(flag, notifies)) flags |= kernel_flag(flag);
    return flags;
}

// libseccomp 2.5 writes to a descriptor only.
Result<std::vector<sock_filter>> exported(const Filter& filter) {
    LET(const Fd file, sys::memory_file("bulkhead:seccomp", false));
    const int written = seccomp_export_bpf(filter.get(), file.number());
    if (written != 0) return refuse(written, "/linux/seccomp", "error exporting the seccomp filter");
    LET(const struct stat status, sys::status_of(file.number()));
    std::vector<sock_filter> code(static_cast<std::size_t>(status.st_size) / sizeof(sock_filter));
    const auto size = static_cast<ssize_t>(code.size() * sizeof(sock_filter));
    if (::pread(file.number(), code.data(), static_cast<std::size_t>(size), 0) != size)
        return fail(Kind::internal, "the seccomp filter cannot be read back");
    return code;
}

}  // namespace

Result<Program> compile(const spec::Seccomp& profile) {
    const std::uint32_t default_action = library_action(profile.default_action, profile.default_errno_ret);
    const Filter filter(seccomp_init(default_action), seccomp_release);
    if (!filter) return refuse(-EINVAL, "/linux/seccomp/defaultAction", "error creating filter");
    // A binary tree by number: a call is judged after some 10 comparisons instead of up to 400, and the
    // kernel loads it in a third of the time.
    (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    TRY(add_architectures(filter, profile));
    TRY(add_rules(filter, profile, default_action));
    LET(const std::vector<sock_filter> judged, exported(filter));

    const bool notifies = has_notify_rule(profile);
    Program program{answer_unknown_calls(profile), load_flags(profile, notifies), notifies};
    program.instructions.insert(program.instructions.end(), judged.begin(), judged.end());
    if (program.instructions.size() > BPF_MAXINSNS)
        return fail(Kind::unsupported, "config.json: /linux/seccomp: the filter has ",
                    program.instructions.size(), " instructions, and the kernel takes ", BPF_MAXINSNS);
    return program;
}

}  // namespace bulkhead::seccomp
