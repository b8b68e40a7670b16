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

std::string object(const MakeStateDirectory& op) { return op.path; }
std::string object(const RecordIntent&) { return "state.json"; }
std::string object(const MakeCgroup& op) { return cat(op.mount, op.path); }
std::string object(const EnableControllers& op) {
    return cat(join(op.needed, " "), op.needed.empty() ? "" : ", and ", "what can be had");
}
std::string object(const LimitCgroup& op) { return texts_of(op.settings); }
std::string object(const ChangeLimits& op) { return texts_of(op.settings); }
std::string object(const StartUnit& op) { return cat(op.name, in_brackets(texts_of(op.properties))); }
std::string object(const ChangeUnit& op) { return texts_of(op.properties); }
std::string object(const StopUnit& op) { return op.name; }
std::string object(const RecordCgroup&) { return "its inode in state.json"; }
std::string object(const DelegateCgroup& op) { return cat("to user ", op.owner); }
std::string object(const FindRdtGroup& op) { return op.path; }
std::string object(const MakeRdtGroup& op) { return op.path; }
std::string object(const CompareSchemata& op) { return cat(op.lines, ", if the group was there"); }
std::string object(const MakeMonitoringGroup& op) { return op.path; }
std::string object(const RecordRdtGroup&) { return "what of it is new, in state.json"; }
std::string object(const WriteSchemata& op) { return join(op.lines, ", "); }
std::string object(const ChangeSchemata& op) { return join(op.lines, ", "); }
std::string object(const JoinRdtGroup& op) { return op.monitoring.empty() ? op.path : op.monitoring; }
std::string object(const CloneTree& op) {
    std::string options = attribute_words(op.attributes);
    for (const std::uint32_t flags : op.propagation) add_word(options, propagation_word(flags));
    if (op.id_maps) add_word(options, op.id_maps->whole_tree ? "tree id-mapped" : "id-mapped");
    return cat(op.path, op.recursive ? " recursively" : "", in_brackets(options));
}
std::string object(const OpenRoot& op) {
    return cat(op.path, op.bound ? " (bound over itself, private)" : "");
}
std::string object(const OpenNamespace& op) { return cat(namespace_words(op.type), ' ', op.path); }
std::string object(const OpenMessageQueues& op) {
    return op.ipc ? "of the joined ipc namespace" : "of the host";
}
std::string object(const MakeNotifySocket&) { return "for readiness"; }
std::string object(const MakeHandshake&) { return "for the seccomp listener"; }
std::string object(const MakeStartFifo&) { return "exec.fifo"; }
std::string object(const ConnectConsole& op) { return op.path; }
std::string object(const Spawn& op) {
    const std::string list = namespace_words(op.namespaces);
    return cat("the stage in the cgroup, new namespaces: ", list.empty() ? "none" : list,
               op.inherited.empty() ? "" : cat(", born in ", op.inherited.size(), " joined"));
}
std::string object(const WriteIdMaps& op) {
    const auto one_line = [](std::string text) {
        for (char& each : text)
            if (each == '\n') each = ';';
        return text;
    };
    return cat("users ", one_line(op.maps.uids), " groups ", one_line(op.maps.gids),
               op.by_helper ? " by newuidmap and newgidmap" : "",
               op.deny_setgroups ? ", setgroups denied" : "");
}
std::string object(const SetOomScore& op) { return cat(op.value); }
std::string object(const SendPrepared&) { return "to the child"; }
std::string object(const AwaitRespawn&) { return "the copy's pid"; }
std::string object(const MoveNetDevice& op) { return cat(op.host_name, " as ", op.name); }
std::string object(const AttachDeviceFilter& op) { return cat(op.program.size(), " instructions"); }
std::string object(const ReplaceDeviceFilter& op) {
    return cat(op.program.size(), " instructions", op.as_created ? ", as at the creation" : "");
}
std::string object(const RecordProcess&) { return "pid and start time in state.json"; }
std::string object(const SendGo&) { return "to the stage"; }
std::string object(const AwaitReady&) { return "from the stage"; }
std::string object(const AwaitExecution&) { return "of the program"; }
std::string object(const SendConsole&) { return "the terminal's master"; }
std::string object(const DeliverListener& op) { return cat("of seccomp to ", op.path); }
std::string object(const SendPidfd& op) { return cat(op.kind, " to ", op.path); }
std::string object(const WritePidFile& op) { return op.path; }
std::string object(const Publish&) { return "the container exists"; }
std::string object(const FindInit&) { return "of the container"; }
std::string object(const FindCgroup& op) {
    return cat("of the container", op.below.empty() ? "" : ", below it ", op.below);
}
std::string object(const ReleaseContainer&) { return "to other verbs"; }
std::string object(const MakeHookStreams&) { return "the state to read, and a pipe for the output"; }
std::string object(const RunHooks& op) {
    std::string list;
    for (const Hook& hook : op.hooks) add_word(list, hook.path);
    return cat(word(op.kind), ' ', list);
}
std::string object(const ReleaseInit&) { return "by the exec fifo"; }
std::string object(const AwaitProgram&) { return "executed by init"; }
std::string object(const RemoveStartFifo&) { return "exec.fifo"; }
std::string object(const KillContainer&) { return "everything in its cgroup"; }
std::string object(const DetachRoot&) { return "and what is mounted below"; }
std::string object(const RemoveRdtGroup&) { return "if it is ours"; }
std::string object(const RemoveCgroup&) { return ""; }
std::string object(const RemoveStateDirectory& op) { return op.path; }

}  // namespace

std::string object_of(const HostOp& op) {
    return std::visit([](const auto& each) { return object(each); }, op);
}

}  // namespace bulkhead::plan
