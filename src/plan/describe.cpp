// SPDX-License-Identifier: Apache-2.0
#include "plan/describe.hpp"

#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>

namespace bulkhead::plan {

namespace {

struct Bit {
    std::uint64_t bit;
    std::string_view name;
};

constexpr std::array namespace_bits{Bit{CLONE_NEWNS, "mount"},    Bit{CLONE_NEWCGROUP, "cgroup"},
                                    Bit{CLONE_NEWUTS, "uts"},     Bit{CLONE_NEWIPC, "ipc"},
                                    Bit{CLONE_NEWUSER, "user"},   Bit{CLONE_NEWPID, "pid"},
                                    Bit{CLONE_NEWNET, "network"}, Bit{CLONE_NEWTIME, "time"}};
// MS_* of propagation, MS_REC beside one of them.
constexpr std::array propagation_bits{Bit{MS_UNBINDABLE, "unbindable"}, Bit{MS_PRIVATE, "private"},
                                      Bit{MS_SLAVE, "slave"}, Bit{MS_SHARED, "shared"}};
constexpr std::array attribute_bits{Bit{MOUNT_ATTR_RDONLY, "ro"},
                                    Bit{MOUNT_ATTR_NOSUID, "nosuid"},
                                    Bit{MOUNT_ATTR_NODEV, "nodev"},
                                    Bit{MOUNT_ATTR_NOEXEC, "noexec"},
                                    Bit{MOUNT_ATTR_NOATIME, "noatime"},
                                    Bit{MOUNT_ATTR_STRICTATIME, "strictatime"},
                                    Bit{MOUNT_ATTR_NODIRATIME, "nodiratime"},
                                    Bit{MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"}};
constexpr std::array limit_names{"CPU",      "FSIZE",  "DATA",    "STACK", "CORE",  "RSS",
                                 "NPROC",    "NOFILE", "MEMLOCK", "AS",    "LOCKS", "SIGPENDING",
                                 "MSGQUEUE", "NICE",   "RTPRIO",  "RTTIME"};
static_assert(limit_names.size() == RLIM_NLIMITS);

template <std::size_t size>
std::string names(std::uint64_t set, const std::array<Bit, size>& bits) {
    std::string list;
    for (const Bit& bit : bits) {
        if ((set & bit.bit) == 0) continue;
        if (!list.empty()) list.push_back(',');
        list.append(bit.name);
    }
    return list;
}

void add_word(std::string& list, std::string_view word) {
    if (word.empty()) return;
    if (!list.empty()) list.push_back(',');
    list.append(word);
}

std::string propagation_word(std::uint32_t flags) {
    return cat((flags & MS_REC) != 0 ? "r" : "", names(flags, propagation_bits));
}

// The access time is one field of several bits: whoever sets a value clears the field first.
std::string attribute_words(const MountAttributes& attributes) {
    std::string list = names(attributes.set, attribute_bits);
    const auto cleared = [](std::uint32_t clear, std::uint32_t set) {
        return names(clear & ~std::uint32_t{MOUNT_ATTR__ATIME} & ~set, attribute_bits);
    };
    if (const std::string words = cleared(attributes.clear, attributes.set); !words.empty())
        add_word(list, cat("not ", words));
    if (const std::string words = names(attributes.set_tree, attribute_bits); !words.empty())
        add_word(list, cat("tree ", words));
    if (const std::string words = cleared(attributes.clear_tree, attributes.set_tree); !words.empty())
        add_word(list, cat("tree not ", words));
    return list;
}

std::string in_brackets(const std::string& list) { return list.empty() ? list : cat(" (", list, ')'); }

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
std::string inside(ArenaView arena, Text path) {
    const std::string_view text = arena.text(path);
    return text.starts_with('/') ? std::string(text) : cat('/', text);
}

std::string text_of(const CgroupSetting& one) { return cat(one.file, ' ', one.text); }
std::string text_of(const UnitProperty& one) { return cat(one.name, ' ', join(one.values, " ")); }
template <class Item>
std::string texts_of(const std::vector<Item>& items) {
    std::string list;
    for (const Item& each : items) list.append(cat(list.empty() ? "" : ", ", text_of(each)));
    return list;
}
std::string limit(std::uint64_t value) { return value == RLIM_INFINITY ? "unlimited" : cat(value); }
std::string set(std::uint64_t bits) { return hexadecimal(bits); }

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
    return {"close_descriptors", cat(op.first, " and up", op.keeps ? ", but the exec fifo" : "")};
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
    return {"join_namespace", names(op.flag, namespace_bits)};
}
Description describe_init(const AssumeIds& op, ArenaView) {
    return {"assume_ids", cat("user ", op.uid, " group ", op.gid, " of the user namespace")};
}
Description describe_init(const UnshareNamespaces& op, ArenaView) {
    return {"unshare_namespaces", names(op.flags, namespace_bits)};
}
Description describe_init(const SetTimeOffsets& op, ArenaView arena) {
    std::string lines = arena.text(op.lines);
    for (char& each : lines)
        if (each == '\n') each = ';';
    return {"set_time_offsets", lines};
}
Description describe_init(const JoinContainer& op, ArenaView) {
    return {"join_container", cat("all of ", names(op.flags, namespace_bits))};
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
    std::string options = names(op.attributes, attribute_bits);
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
    std::string list;
    for (std::uint32_t i = 0; i < op.mask.count; ++i)
        list.append(cat(i == 0 ? "" : ",", hexadecimal(arena.numbers(op.mask)[i])));
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

Description describe_host(const MakeStateDirectory& op) { return {"make_state_directory", op.path}; }
Description describe_host(const RecordIntent&) { return {"record_intent", "state.json"}; }
Description describe_host(const MakeCgroup& op) { return {"make_cgroup", cat(op.mount, op.path)}; }
Description describe_host(const EnableControllers& op) {
    return {"enable_controllers", join(op.controllers, " ")};
}
Description describe_host(const LimitCgroup& op) { return {"limit_cgroup", texts_of(op.settings)}; }
Description describe_host(const ChangeLimits& op) { return {"change_limits", texts_of(op.settings)}; }
Description describe_host(const StartUnit& op) {
    return {"start_unit", cat(op.name, in_brackets(texts_of(op.properties)))};
}
Description describe_host(const ChangeUnit& op) { return {"change_unit", texts_of(op.properties)}; }
Description describe_host(const StopUnit& op) { return {"stop_unit", op.name}; }
Description describe_host(const RecordCgroup&) { return {"record_cgroup", "its inode in state.json"}; }
Description describe_host(const CloneTree& op) {
    std::string options = attribute_words(op.attributes);
    for (const std::uint32_t flags : op.propagation) add_word(options, propagation_word(flags));
    if (op.id_maps) add_word(options, op.id_maps->whole_tree ? "tree id-mapped" : "id-mapped");
    return {"clone_tree", cat(op.path, op.recursive ? " recursively" : "", in_brackets(options))};
}
Description describe_host(const OpenNamespace& op) {
    return {"open_namespace", cat(names(op.type, namespace_bits), ' ', op.path)};
}
Description describe_host(const OpenMessageQueues& op) {
    return {"open_message_queues", op.ipc ? "of the joined ipc namespace" : "of the host"};
}
Description describe_host(const MakeNotifyDirectory&) {
    return {"make_notify_directory", "notify, with a socket"};
}
Description describe_host(const MakeHandshake&) { return {"make_handshake", "for the seccomp listener"}; }
Description describe_host(const MakeStartFifo&) { return {"make_start_fifo", "exec.fifo"}; }
Description describe_host(const ConnectConsole& op) { return {"connect_console", op.path}; }
Description describe_host(const Spawn& op) {
    const std::string list = names(op.namespaces, namespace_bits);
    return {"spawn", cat("the stage in the cgroup, new namespaces: ", list.empty() ? "none" : list,
                         op.inherited.empty() ? "" : cat(", born in ", op.inherited.size(), " joined"))};
}
Description describe_host(const WriteIdMaps& op) {
    const auto one_line = [](std::string text) {
        for (char& each : text)
            if (each == '\n') each = ';';
        return text;
    };
    return {"write_id_maps", cat("users ", one_line(op.maps.uids), " groups ", one_line(op.maps.gids),
                                 op.by_helper ? " by newuidmap and newgidmap" : "",
                                 op.deny_setgroups ? ", setgroups denied" : "")};
}
Description describe_host(const SetOomScore& op) { return {"set_oom_score", cat(op.value)}; }
Description describe_host(const SendPrepared&) { return {"send_prepared", "to the child"}; }
Description describe_host(const AwaitRespawn&) { return {"await_respawn", "the copy's pid"}; }
Description describe_host(const MoveNetDevice& op) {
    return {"move_net_device", cat(op.host_name, " as ", op.name)};
}
Description describe_host(const AttachDeviceFilter& op) {
    return {"attach_device_filter", cat(op.program.size(), " instructions")};
}
Description describe_host(const RecordProcess&) {
    return {"record_process", "pid and start time in state.json"};
}
Description describe_host(const SendGo&) { return {"send_go", "to the stage"}; }
Description describe_host(const AwaitReady&) { return {"await_ready", "from the stage"}; }
Description describe_host(const AwaitExecution&) { return {"await_execution", "of the program"}; }
Description describe_host(const SendConsole&) { return {"send_console", "the terminal's master"}; }
Description describe_host(const DeliverListener& op) {
    return {"deliver_listener", cat("of seccomp to ", op.path)};
}
Description describe_host(const SendPidfd& op) { return {"send_pidfd", cat(op.kind, " to ", op.path)}; }
Description describe_host(const WritePidFile& op) { return {"write_pid_file", op.path}; }
Description describe_host(const Publish&) { return {"publish", "the container exists"}; }
Description describe_host(const FindInit&) { return {"find_init", "of the container"}; }
Description describe_host(const FindCgroup& op) {
    return {"find_cgroup", cat("of the container", op.below.empty() ? "" : ", below it ", op.below)};
}
Description describe_host(const ReleaseContainer&) { return {"release_container", "to other verbs"}; }
Description describe_host(const MakeHookStreams&) {
    return {"make_hook_streams", "the state to read, and a pipe for the output"};
}
Description describe_host(const RunHooks& op) {
    std::string list;
    for (const Hook& hook : op.hooks) add_word(list, hook.path);
    return {"run_hooks", cat(word(op.kind), ' ', list)};
}
Description describe_host(const ReleaseInit&) { return {"release_init", "by the exec fifo"}; }
Description describe_host(const AwaitProgram&) { return {"await_program", "executed by init"}; }
Description describe_host(const RemoveStartFifo&) { return {"remove_start_fifo", "exec.fifo"}; }
Description describe_host(const KillContainer&) { return {"kill_container", "everything in its cgroup"}; }
Description describe_host(const RemoveCgroup&) { return {"remove_cgroup", ""}; }
Description describe_host(const RemoveStateDirectory& op) { return {"remove_state_directory", op.path}; }

}  // namespace bulkhead::plan
