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

std::string object(const MarkDescriptors& op, ArenaView) { return cat(op.first, " and up: close-on-exec"); }
std::string object(const ResetSignals&, ArenaView) { return "all at their default, none blocked"; }
std::string object(const AwaitGo&, ArenaView) { return "from the host"; }
std::string object(const ReportReady&, ArenaView) { return "to the host"; }
std::string object(const AwaitStart&, ArenaView) { return "on the exec fifo"; }
std::string object(const KeepDescriptor& op, ArenaView arena) { return arena.text(op.name); }
std::string object(const CloseDescriptors& op, ArenaView) { return cat(op.first, " and up"); }
std::string object(const ReportExecution&, ArenaView) { return "to the host"; }
std::string object(const Execute& op, ArenaView arena) {
    std::string line;
    for (std::uint32_t i = 0; i < op.arguments.count; ++i)
        line.append(i == 0 ? "" : " ").append(arena.text(op.arguments, i));
    return line;
}
std::string object(const Respawn&, ArenaView) { return "as a child that the namespaces hold"; }
std::string object(const JoinNamespace& op, ArenaView) { return namespace_words(op.flag); }
std::string object(const AssumeIds& op, ArenaView) {
    return cat("user ", op.uid, " group ", op.gid, " of the user namespace");
}
std::string object(const UnshareNamespaces& op, ArenaView) { return namespace_words(op.flags); }
std::string object(const SetTimeOffsets& op, ArenaView arena) {
    std::string lines = arena.text(op.lines);
    for (char& each : lines)
        if (each == '\n') each = ';';
    return lines;
}
std::string object(const JoinContainer& op, ArenaView) { return cat("all of ", namespace_words(op.flags)); }
std::string object(const RaiseLoopback&, ArenaView) { return "lo"; }
std::string object(const SetSysctl& op, ArenaView arena) {
    return cat("/proc/sys/", arena.text(op.path), " = ", arena.text(op.value));
}
std::string object(const SetHostname& op, ArenaView arena) { return arena.text(op.name); }
std::string object(const SetDomainname& op, ArenaView arena) { return arena.text(op.name); }
std::string object(const IsolateMounts&, ArenaView) { return "/ recursively private"; }
std::string object(const OpenSelf&, ArenaView) { return "in procfs, to change mounts by mount(2)"; }
std::string object(const AttachRoot& op, ArenaView arena) {
    return cat("the tree of the root", op.place.size == 0 ? "" : cat(" on ", arena.text(op.place)),
               in_brackets(propagation_words(arena, op.propagation)));
}
std::string object(const TakeRoot&, ArenaView) { return "that the host has opened"; }
std::string object(const MountOverlay& op, ArenaView arena) {
    std::string upper = "read-only";
    if (op.size.size != 0) upper = cat("upper on a tmpfs of ", arena.text(op.size));
    if (op.upper.count != 0) upper = cat("upper ", arena.text(op.upper, 1));
    return cat(op.lower.count / 2, " layer(s), ", upper);
}
std::string object(const CloneSource& op, ArenaView arena) {
    std::string options = attribute_words(op.attributes);
    add_word(options, propagation_words(arena, op.propagation));
    return cat(arena.text(op.path), op.recursive != 0 ? " recursively" : "", in_brackets(options));
}
std::string object(const MountFilesystem& op, ArenaView arena) {
    std::string options = attribute_words(op.attributes);
    add_word(options, texts(arena, op.options));
    add_word(options, propagation_words(arena, op.propagation));
    if (op.copy_up != 0) add_word(options, "with what is below");
    return cat(arena.text(op.type), " on ", inside(arena, op.target), in_brackets(options));
}
std::string object(const Remount& op, ArenaView arena) {
    std::string options = attribute_words(op.attributes);
    add_word(options, texts(arena, op.options));
    add_word(options, propagation_words(arena, op.propagation));
    return cat(inside(arena, op.target), in_brackets(options));
}
std::string object(const RemountBind& op, ArenaView arena) {
    std::string options = attribute_words(op.attributes);
    add_word(options, propagation_words(arena, op.propagation));
    return cat(inside(arena, op.target), in_brackets(options));
}
std::string object(const AttachTree& op, ArenaView arena) {
    std::string options = attribute_words(op.attributes);
    add_word(options, propagation_words(arena, op.propagation));
    return cat("on ", inside(arena, op.target), in_brackets(options));
}
std::string object(const MountNotifySocket& op, ArenaView arena) {
    return cat("on ", inside(arena, op.target), in_brackets(texts(arena, op.options)));
}
std::string object(const MakeDevice& op, ArenaView arena) {
    const char kind = S_ISBLK(op.mode) ? 'b' : S_ISFIFO(op.mode) ? 'p' : 'c';
    return cat(inside(arena, op.path), ' ', kind, ' ', op.major, ':', op.minor, " mode ",
               octal(op.mode & 07777), " owner ", op.uid, ':', op.gid);
}
std::string object(const MakeLink& op, ArenaView arena) {
    return cat(inside(arena, op.path), " -> ", arena.text(op.target));
}
std::string object(const MaskPath& op, ArenaView arena) { return inside(arena, op.path); }
std::string object(const ProtectPath& op, ArenaView arena) {
    return cat(inside(arena, op.path), " read-only");
}
std::string object(const MakeDirectory& op, ArenaView arena) {
    return cat(inside(arena, op.path), " if missing");
}
std::string object(const HoldDirectory& op, ArenaView arena) {
    return cat(inside(arena, op.path), " for what lies below");
}
std::string object(const ComparePlace& op, ArenaView arena) {
    return cat(inside(arena, op.path), " with what was attached there");
}
std::string object(const OpenTerminal& op, ArenaView) {
    return cat("owner ", op.uid, ", ", op.rows, " rows, ", op.columns, " columns");
}
std::string object(const MountConsole& op, ArenaView arena) { return inside(arena, op.place); }
std::string object(const ReplaceNull&, ArenaView) { return "on descriptors 0 to 2 by the container's"; }
std::string object(const ProtectRoot&, ArenaView) { return "/ read-only"; }
std::string object(const PivotRoot&, ArenaView) { return "and detach the host's root"; }
std::string object(const HideKernelMounts& op, ArenaView arena) { return texts(arena, op.places); }
std::string object(const MoveRoot&, ArenaView) { return "over /"; }
std::string object(const ChangeRoot&, ArenaView) { return "chroot"; }
std::string object(const SetRootPropagation& op, ArenaView) { return cat("/ ", propagation_word(op.flags)); }
std::string object(const JoinKeyring&, ArenaView) { return "a new anonymous one"; }
std::string object(const StartSession&, ArenaView) { return "setsid"; }
std::string object(const ClaimTerminal&, ArenaView) { return "as the session's"; }
std::string object(const OpenProcfs& op, ArenaView) {
    return op.own != 0 ? "a new one, else the host's" : "the host's";
}
std::string object(const SetLabel& op, ArenaView arena) {
    return cat(arena.text(op.module), ' ', arena.text(op.attribute), ' ', arena.text(op.value));
}
std::string object(const TakeStdio&, ArenaView) { return "of the hook"; }
std::string object(const DieWithHost&, ArenaView) { return ""; }
std::string object(const SetAffinity& op, ArenaView arena) {
    const std::string list = mask(arena, op.mask);
    return list.empty() ? "every CPU of the cgroup" : cat("to 0x", list);
}
std::string object(const SetScheduler& op, ArenaView) {
    std::string object = cat("policy ", op.policy, " nice ", op.nice, " priority ", op.priority);
    if (op.flags != 0) object.append(cat(" flags 0x", hexadecimal(op.flags)));
    if (op.deadline != 0)
        object.append(cat(" runtime ", op.runtime, " deadline ", op.deadline, " period ", op.period));
    return object;
}
std::string object(const SetIoPriority& op, ArenaView) {
    constexpr unsigned class_shift = 13;
    return cat("class ", op.value >> class_shift, " priority ", op.value & ((1u << class_shift) - 1));
}
std::string object(const SetMemoryPolicy& op, ArenaView arena) {
    const std::string nodes = mask(arena, op.nodes);
    return cat("mode 0x", hexadecimal(op.mode), nodes.empty() ? "" : " nodes 0x", nodes);
}
std::string object(const SetPersonality& op, ArenaView) { return cat("0x", hexadecimal(op.domain)); }
std::string object(const SetRlimit& op, ArenaView) {
    const char* name = op.resource < limit_names.size() ? limit_names[op.resource] : "?";
    return cat("RLIMIT_", name, " soft ", limit(op.soft), " hard ", limit(op.hard));
}
std::string object(const EnterDirectory& op, ArenaView arena) { return arena.text(op.path); }
std::string object(const OwnStdio& op, ArenaView) { return cat("pipes and sockets to user ", op.uid); }
std::string object(const LimitBounding& op, ArenaView) { return cat("to 0x", set(op.keep)); }
std::string object(const SetGroups& op, ArenaView arena) {
    std::string list;
    for (std::uint32_t i = 0; i < op.gids.count; ++i)
        list.append(i == 0 ? "" : ",").append(cat(arena.numbers(op.gids)[i]));
    return list.empty() ? "none" : std::move(list);
}
std::string object(const SetIds& op, ArenaView) { return cat("user ", op.uid, " group ", op.gid); }
std::string object(const SetCapabilities& op, ArenaView) {
    return cat("effective 0x", set(op.effective), " permitted 0x", set(op.permitted), " inheritable 0x",
               set(op.inheritable), " ambient 0x", set(op.ambient));
}
std::string object(const SetUmask& op, ArenaView) { return cat('0', octal(op.mask)); }
std::string object(const FindHome& op, ArenaView) { return cat("of user ", op.uid, " in /etc/passwd"); }
std::string object(const FindProgram& op, ArenaView arena) {
    return cat(arena.text(op.name), " in ", op.candidates.count, " place(s)");
}
std::string object(const ForbidNewPrivileges&, ArenaView) { return ""; }
std::string object(const ReportListener&, ArenaView) { return "its number, to the host"; }
std::string object(const MapHandshake&, ArenaView) { return "for the seccomp listener"; }
std::string object(const LoadSeccomp& op, ArenaView) {
    return cat(op.program.count / 2, " instructions, flags 0x", hexadecimal(op.flags));
}
std::string object(const AwaitDelivery&, ArenaView) { return "of the seccomp listener"; }

}  // namespace

std::string object_of(const InitStep& step, ArenaView arena) {
    return visit<std::string>(step, [&](const auto& each) { return object(each, arena); });
}

}  // namespace bulkhead::plan
