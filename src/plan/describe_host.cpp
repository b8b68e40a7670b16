// SPDX-License-Identifier: Apache-2.0
#include "plan/describe.hpp"
#include "plan/describe_words.hpp"

namespace bulkhead::plan {

namespace {

std::string text_of(const CgroupSetting& one) { return cat(one.file, ' ', one.text); }
std::string text_of(const UnitProperty& one) { return cat(one.name, ' ', join(one.values, " ")); }
template <class Item>
std::string texts_of(const std::vector<Item>& items) {
    std::string list;
    for (const Item& each : items) list.append(cat(list.empty() ? "" : ", ", text_of(each)));
    return list;
}

}  // namespace

Description describe_host(const MakeStateDirectory& op) { return {"make_state_directory", op.path}; }
Description describe_host(const RecordIntent&) { return {"record_intent", "state.json"}; }
Description describe_host(const MakeCgroup& op) { return {"make_cgroup", cat(op.mount, op.path)}; }
Description describe_host(const EnableControllers& op) {
    return {"enable_controllers",
            cat(join(op.needed, " "), op.needed.empty() ? "" : ", and ", "what can be had")};
}
Description describe_host(const LimitCgroup& op) { return {"limit_cgroup", texts_of(op.settings)}; }
Description describe_host(const ChangeLimits& op) { return {"change_limits", texts_of(op.settings)}; }
Description describe_host(const StartUnit& op) {
    return {"start_unit", cat(op.name, in_brackets(texts_of(op.properties)))};
}
Description describe_host(const ChangeUnit& op) { return {"change_unit", texts_of(op.properties)}; }
Description describe_host(const StopUnit& op) { return {"stop_unit", op.name}; }
Description describe_host(const RecordCgroup&) { return {"record_cgroup", "its inode in state.json"}; }
Description describe_host(const DelegateCgroup& op) { return {"delegate_cgroup", cat("to user ", op.owner)}; }
Description describe_host(const FindRdtGroup& op) { return {"find_rdt_group", op.path}; }
Description describe_host(const MakeRdtGroup& op) { return {"make_rdt_group", op.path}; }
Description describe_host(const CompareSchemata& op) {
    return {"compare_schemata", cat(op.lines, ", if the group was there")};
}
Description describe_host(const MakeMonitoringGroup& op) { return {"make_monitoring_group", op.path}; }
Description describe_host(const RecordRdtGroup&) {
    return {"record_rdt_group", "what of it is new, in state.json"};
}
Description describe_host(const WriteSchemata& op) { return {"write_schemata", join(op.lines, ", ")}; }
Description describe_host(const ChangeSchemata& op) { return {"change_schemata", join(op.lines, ", ")}; }
Description describe_host(const JoinRdtGroup& op) {
    return {"join_rdt_group", op.monitoring.empty() ? op.path : op.monitoring};
}
Description describe_host(const CloneTree& op) {
    std::string options = attribute_words(op.attributes);
    for (const std::uint32_t flags : op.propagation) add_word(options, propagation_word(flags));
    if (op.id_maps) add_word(options, op.id_maps->whole_tree ? "tree id-mapped" : "id-mapped");
    return {"clone_tree", cat(op.path, op.recursive ? " recursively" : "", in_brackets(options))};
}
Description describe_host(const OpenRoot& op) {
    return {"open_root", cat(op.path, op.bound ? " (bound over itself, private)" : "")};
}
Description describe_host(const OpenNamespace& op) {
    return {"open_namespace", cat(namespace_words(op.type), ' ', op.path)};
}
Description describe_host(const OpenMessageQueues& op) {
    return {"open_message_queues", op.ipc ? "of the joined ipc namespace" : "of the host"};
}
Description describe_host(const MakeNotifySocket&) { return {"make_notify_socket", "for readiness"}; }
Description describe_host(const MakeHandshake&) { return {"make_handshake", "for the seccomp listener"}; }
Description describe_host(const MakeStartFifo&) { return {"make_start_fifo", "exec.fifo"}; }
Description describe_host(const ConnectConsole& op) { return {"connect_console", op.path}; }
Description describe_host(const Spawn& op) {
    const std::string list = namespace_words(op.namespaces);
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
Description describe_host(const ReplaceDeviceFilter& op) {
    return {"replace_device_filter",
            cat(op.program.size(), " instructions", op.as_created ? ", as at the creation" : "")};
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
Description describe_host(const DetachRoot&) { return {"detach_root", "and what is mounted below"}; }
Description describe_host(const RemoveRdtGroup&) { return {"remove_rdt_group", "if it is ours"}; }
Description describe_host(const RemoveCgroup&) { return {"remove_cgroup", ""}; }
Description describe_host(const RemoveStateDirectory& op) { return {"remove_state_directory", op.path}; }

}  // namespace bulkhead::plan
