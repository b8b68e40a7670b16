// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>

#include "plan/describe.hpp"
#include "plan/describe_words.hpp"

namespace bulkhead::plan {

namespace {

constexpr std::array limit_names{"CPU",      "FSIZE",  "DATA",    "STACK", "CORE",  "RSS",
                                 "NPROC",    "NOFILE", "MEMLOCK", "AS",    "LOCKS", "SIGPENDING",
                                 "MSGQUEUE", "NICE",   "RTPRIO",  "RTTIME"};
static_assert(limit_names.size() == RLIM_NLIMITS);

std::string texts(ArenaView arena, Texts list) {
    std::string joined;
    for (std::uint32_t i = 0; i < list.count; ++i) add_word(joined, arena.text(list, i));
    return joined;
}

std::string propagation_words(ArenaView arena, Numbers list) {
    std::string joined;
    for (std::uint32_t i = 0; i < list.count; ++i) add_word(joined, propagation_word(arena.numbers(list)[i]));
    return joined;
}

// In the container a path without a slash in front is one below its root.
std::string inside(ArenaView arena, Path path) {
    const std::string_view text = arena.text(path);
    return text.starts_with('/') ? std::string(text) : cat('/', text);
}

std::string limit(std::uint64_t value) { return value == RLIM_INFINITY ? "unlimited" : cat(value); }
std::string set(std::uint64_t bits) { return hexadecimal(bits); }

// Words of a mask of bits, the lowest first: "f,0".
std::string mask(ArenaView arena, Numbers words) {
    std::string list;
    for (std::uint32_t i = 0; i < words.count; ++i)
        list.append(cat(i == 0 ? "" : ",", hexadecimal(arena.numbers(words)[i])));
    return list;
}

}  // namespace

Description describe_init(const MarkDescriptors& op, ArenaView) {
    return {"mark_descriptors", cat(op.first, " and up: close-on-exec")};
}
Description describe_init(const ResetSignals&, ArenaView) {
    return {"reset_signals", "all at their default, none blocked"};
}
Description describe_init(const AwaitGo&, ArenaView) { return {"await_go", "from the host"}; }
Description describe_init(const ReportReady&, ArenaView) { return {"report_ready", "to the host"}; }
Description describe_init(const AwaitStart&, ArenaView) { return {"await_start", "on the exec fifo"}; }
Description describe_init(const CloseDescriptors& op, ArenaView) {
    return {"close_descriptors", cat(op.first, " and up", op.keeps ? ", but the exec fifo" : "",
                                     op.keeps_socket ? " and the notify socket" : "")};
}
Description describe_init(const ReportExecution&, ArenaView) { return {"report_execution", "to the host"}; }
Description describe_init(const Execute& op, ArenaView arena) {
    std::string line;
    for (std::uint32_t i = 0; i < op.arguments.count; ++i)
        line.append(i == 0 ? "" : " ").append(arena.text(op.arguments, i));
    return {"execute", std::move(line)};
}
Description describe_init(const Respawn&, ArenaView) {
    return {"respawn", "as a child that the namespaces hold"};
}
Description describe_init(const JoinNamespace& op, ArenaView) {
    return {"join_namespace", namespace_words(op.flag)};
}
Description describe_init(const AssumeIds& op, ArenaView) {
    return {"assume_ids", cat("user ", op.uid, " group ", op.gid, " of the user namespace")};
}
Description describe_init(const UnshareNamespaces& op, ArenaView) {
    return {"unshare_namespaces", namespace_words(op.flags)};
}
Description describe_init(const SetTimeOffsets& op, ArenaView arena) {
    std::string lines = arena.text(op.lines);
    for (char& each : lines)
        if (each == '\n') each = ';';
    return {"set_time_offsets", lines};
}
Description describe_init(const JoinContainer& op, ArenaView) {
    return {"join_container", cat("all of ", namespace_words(op.flags))};
}
Description describe_init(const RaiseLoopback&, ArenaView) { return {"raise_loopback", "lo"}; }
Description describe_init(const SetSysctl& op, ArenaView arena) {
    return {"set_sysctl", cat("/proc/sys/", arena.text(op.path), " = ", arena.text(op.value))};
}
Description describe_init(const SetHostname& op, ArenaView arena) {
    return {"set_hostname", arena.text(op.name)};
}
Description describe_init(const SetDomainname& op, ArenaView arena) {
    return {"set_domainname", arena.text(op.name)};
}
Description describe_init(const IsolateMounts&, ArenaView) {
    return {"isolate_mounts", "/ recursively private"};
}
Description describe_init(const ChangeMountsByName&, ArenaView) {
    return {"change_mounts_by_name", "with mount(2), from here on"};
}
Description describe_init(const AttachRoot& op, ArenaView arena) {
    return {"attach_root",
            cat("the tree of the root", op.place.size == 0 ? "" : cat(" on ", arena.text(op.place)),
                in_brackets(propagation_words(arena, op.propagation)))};
}
Description describe_init(const TakeRoot&, ArenaView) { return {"take_root", "that the host has opened"}; }
Description describe_init(const MountOverlay& op, ArenaView arena) {
    std::string upper = "read-only";
    if (op.size.size != 0) upper = cat("upper on a tmpfs of ", arena.text(op.size));
    if (op.upper.count != 0) upper = cat("upper ", arena.text(op.upper, 1));
    return {"mount_overlay", cat(op.lower.count / 2, " layer(s), ", upper)};
}
Description describe_init(const CloneSource& op, ArenaView arena) {
    std::string options = attribute_words(op.attributes);
    add_word(options, propagation_words(arena, op.propagation));
    return {"clone_source",
            cat(arena.text(op.path), op.recursive != 0 ? " recursively" : "", in_brackets(options))};
}
Description describe_init(const MountFilesystem& op, ArenaView arena) {
    std::string options = attribute_words(op.attributes);
    add_word(options, texts(arena, op.options));
    add_word(options, propagation_words(arena, op.propagation));
    if (op.copy_up != 0) add_word(options, "with what is below");
    return {"mount_filesystem",
            cat(arena.text(op.type), " on ", inside(arena, op.target), in_brackets(options))};
}
Description describe_init(const Remount& op, ArenaView arena) {
    std::string options = attribute_words(op.attributes);
    add_word(options, texts(arena, op.options));
    add_word(options, propagation_words(arena, op.propagation));
    return {"remount", cat(inside(arena, op.target), op.whole_filesystem != 0 ? "" : " (the mount alone)",
                           in_brackets(options))};
}
Description describe_init(const AttachTree& op, ArenaView arena) {
    std::string options = attribute_words(op.attributes);
    add_word(options, propagation_words(arena, op.propagation));
    return {"attach_tree", cat("on ", inside(arena, op.target), in_brackets(options))};
}
Description describe_init(const MountNotifySocket& op, ArenaView arena) {
    return {"mount_notify_socket",
            cat("on ", inside(arena, op.target), in_brackets(texts(arena, op.options)))};
}
Description describe_init(const MakeDevice& op, ArenaView arena) {
    const char kind = S_ISBLK(op.mode) ? 'b' : S_ISFIFO(op.mode) ? 'p' : 'c';
    return {"make_device", cat(inside(arena, op.path), ' ', kind, ' ', op.major, ':', op.minor, " mode ",
                               octal(op.mode & 07777), " owner ", op.uid, ':', op.gid)};
}
Description describe_init(const MakeLink& op, ArenaView arena) {
    return {"make_link", cat(inside(arena, op.path), " -> ", arena.text(op.target))};
}
Description describe_init(const MaskPath& op, ArenaView arena) {
    return {"mask_path", inside(arena, op.path)};
}
Description describe_init(const ProtectPath& op, ArenaView arena) {
    return {"protect_path", cat(inside(arena, op.path), " read-only")};
}
Description describe_init(const MakeDirectory& op, ArenaView arena) {
    return {"make_directory", cat(inside(arena, op.path), " if missing")};
}
Description describe_init(const HoldDirectory& op, ArenaView arena) {
    return {"hold_directory", cat(inside(arena, op.path), " for what lies below")};
}
Description describe_init(const ComparePlace& op, ArenaView arena) {
    return {"compare_place", cat(inside(arena, op.path), " with what was attached there")};
}
Description describe_init(const OpenTerminal& op, ArenaView) {
    return {"open_terminal", cat(op.console != 0 ? "/dev/console, owner " : "owner ", op.uid, ", ", op.rows,
                                 " rows, ", op.columns, " columns")};
}
Description describe_init(const ReplaceNull&, ArenaView) {
    return {"replace_null", "on descriptors 0 to 2 by the container's"};
}
Description describe_init(const ProtectRoot&, ArenaView) { return {"protect_root", "/ read-only"}; }
Description describe_init(const PivotRoot&, ArenaView) {
    return {"pivot_root", "and detach the host's root"};
}
Description describe_init(const ChangeRoot& op, ArenaView arena) {
    const std::string gone = texts(arena, op.kernel_mounts);
    return {"change_root", cat("chroot", gone.empty() ? "" : ", first without ", gone)};
}
Description describe_init(const SetRootPropagation& op, ArenaView) {
    return {"set_root_propagation", cat("/ ", propagation_word(op.flags))};
}
Description describe_init(const JoinKeyring&, ArenaView) { return {"join_keyring", "a new anonymous one"}; }
Description describe_init(const StartSession&, ArenaView) { return {"start_session", "setsid"}; }
Description describe_init(const ClaimTerminal&, ArenaView) { return {"claim_terminal", "as the session's"}; }
Description describe_init(const OpenProcfs& op, ArenaView) {
    return {"open_procfs", op.own != 0 ? "a new one, else the host's" : "the host's"};
}
Description describe_init(const SetLabel& op, ArenaView arena) {
    return {"set_label",
            cat(arena.text(op.module), ' ', arena.text(op.attribute), ' ', arena.text(op.value))};
}
Description describe_init(const TakeStdio&, ArenaView) { return {"take_stdio", "of the hook"}; }
Description describe_init(const DieWithHost&, ArenaView) { return {"die_with_host", ""}; }
Description describe_init(const SetAffinity& op, ArenaView arena) {
    const std::string list = mask(arena, op.mask);
    return {"set_affinity", list.empty() ? "every CPU of the cgroup" : cat("to 0x", list)};
}
Description describe_init(const SetScheduler& op, ArenaView) {
    std::string object = cat("policy ", op.policy, " nice ", op.nice, " priority ", op.priority);
    if (op.flags != 0) object.append(cat(" flags 0x", hexadecimal(op.flags)));
    if (op.deadline != 0)
        object.append(cat(" runtime ", op.runtime, " deadline ", op.deadline, " period ", op.period));
    return {"set_scheduler", object};
}
Description describe_init(const SetIoPriority& op, ArenaView) {
    constexpr unsigned class_shift = 13;
    return {"set_io_priority",
            cat("class ", op.value >> class_shift, " priority ", op.value & ((1u << class_shift) - 1))};
}
Description describe_init(const SetMemoryPolicy& op, ArenaView arena) {
    const std::string nodes = mask(arena, op.nodes);
    return {"set_memory_policy",
            cat("mode 0x", hexadecimal(op.mode), nodes.empty() ? "" : " nodes 0x", nodes)};
}
Description describe_init(const SetPersonality& op, ArenaView) {
    return {"set_personality", cat("0x", hexadecimal(op.domain))};
}
Description describe_init(const SetRlimit& op, ArenaView) {
    const char* name = op.resource < limit_names.size() ? limit_names[op.resource] : "?";
    return {"set_rlimit", cat("RLIMIT_", name, " soft ", limit(op.soft), " hard ", limit(op.hard))};
}
Description describe_init(const EnterDirectory& op, ArenaView arena) {
    return {"enter_directory", arena.text(op.path)};
}
Description describe_init(const OwnStdio& op, ArenaView) {
    return {"own_stdio", cat("pipes and sockets to user ", op.uid)};
}
Description describe_init(const LimitBounding& op, ArenaView) {
    return {"limit_bounding", cat("to 0x", set(op.keep))};
}
Description describe_init(const SetGroups& op, ArenaView arena) {
    std::string list;
    for (std::uint32_t i = 0; i < op.gids.count; ++i)
        list.append(i == 0 ? "" : ",").append(cat(arena.numbers(op.gids)[i]));
    return {"set_groups", list.empty() ? "none" : std::move(list)};
}
Description describe_init(const SetIds& op, ArenaView) {
    return {"set_ids", cat("user ", op.uid, " group ", op.gid)};
}
Description describe_init(const SetCapabilities& op, ArenaView) {
    return {"set_capabilities", cat("effective 0x", set(op.effective), " permitted 0x", set(op.permitted),
                                    " inheritable 0x", set(op.inheritable), " ambient 0x", set(op.ambient))};
}
Description describe_init(const SetUmask& op, ArenaView) { return {"set_umask", cat('0', octal(op.mask))}; }
Description describe_init(const FindHome& op, ArenaView) {
    return {"find_home", cat("of user ", op.uid, " in /etc/passwd")};
}
Description describe_init(const FindProgram& op, ArenaView arena) {
    return {"find_program", cat(arena.text(op.name), " in ", op.candidates.count, " place(s)")};
}
Description describe_init(const ForbidNewPrivileges&, ArenaView) { return {"forbid_new_privileges", ""}; }
Description describe_init(const MapHandshake&, ArenaView) {
    return {"map_handshake", "for the seccomp listener"};
}
Description describe_init(const LoadSeccomp& op, ArenaView) {
    return {"load_seccomp", cat(op.program.count / 2, " instructions, flags 0x", hexadecimal(op.flags),
                                op.listener != 0 ? ", with a listener" : "")};
}
Description describe_init(const AwaitDelivery&, ArenaView) {
    return {"await_delivery", "of the seccomp listener"};
}

}  // namespace bulkhead::plan
