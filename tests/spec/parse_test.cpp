// SPDX-License-Identifier: Apache-2.0
// What parse takes: every property of the standard once, and what it ignores.
#include "spec/parse.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <chrono>

#include "full_document.hpp"
#include "support.hpp"

namespace bulkhead::spec::test {
namespace {

using Strings = std::vector<std::string>;

const Spec& full() {
    static const Spec spec = parse(full_document).value();
    return spec;
}

TEST(ParseFull, top_level_and_root) {
    EXPECT_EQ(full().oci_version, "1.2.0-rc.1+build");
    EXPECT_EQ(full().hostname, "box");
    EXPECT_EQ(full().domainname, "example");
    EXPECT_EQ(full().root->path, "rootfs");
    EXPECT_TRUE(full().root->readonly);
    EXPECT_EQ(full().annotations, (std::map<std::string, std::string>{{"a.b", "c"}, {"d", ""}}));
}

TEST(ParseFull, mounts) {
    const Mount& mount = full().mounts.at(0);
    EXPECT_EQ(mount.destination, "/data");
    EXPECT_EQ(mount.type, "none");
    EXPECT_EQ(mount.source, "/srv");
    EXPECT_EQ(mount.options, (Strings{"rbind", "ro"}));
    EXPECT_EQ(mount.uid_mappings.at(0).container_id, 1U);
    EXPECT_EQ(mount.uid_mappings.at(0).host_id, 2U);
    EXPECT_EQ(mount.uid_mappings.at(0).size, 3U);
    EXPECT_EQ(mount.gid_mappings.at(0).container_id, 4U);
    EXPECT_EQ(mount.gid_mappings.at(0).host_id, 5U);
    EXPECT_EQ(mount.gid_mappings.at(0).size, 6U);
}

TEST(ParseFull, hooks) {
    const Hooks& hooks = full().hooks;
    EXPECT_EQ(hooks.prestart.at(0).args, (Strings{"prestart", "-v"}));
    int number = 0;
    for (const auto& [name, list] :
         {std::pair{"prestart", &hooks.prestart}, std::pair{"createRuntime", &hooks.create_runtime},
          std::pair{"createContainer", &hooks.create_container},
          std::pair{"startContainer", &hooks.start_container}, std::pair{"poststart", &hooks.poststart},
          std::pair{"poststop", &hooks.poststop}}) {
        const Hook& hook = list->at(0);
        EXPECT_EQ(hook.path, cat("/bin/", name));
        EXPECT_EQ(hook.args.at(0), name);
        EXPECT_EQ(hook.timeout, 30 + number) << name;
        EXPECT_EQ(hook.env, (Strings{cat("A=", ++number)})) << name;
    }
}

TEST(Parse, knows_a_hook_without_environment_and_timeout) {
    const Spec spec = parse(with("/hooks/poststop/0", R"({"path": "/bin/poststop"})")).value();
    EXPECT_EQ(spec.hooks.poststop.at(0).env, std::nullopt);
    EXPECT_EQ(spec.hooks.poststop.at(0).timeout, std::nullopt);
}

TEST(ParseFull, process) {
    const Process& process = *full().process;
    EXPECT_TRUE(process.terminal);
    EXPECT_EQ(process.console_size->height, 24u);
    EXPECT_EQ(process.console_size->width, 80u);
    EXPECT_EQ(process.cwd, "/home");
    EXPECT_EQ(process.env, (Strings{"A=1", "B="}));
    EXPECT_EQ(process.args, (Strings{"sh", "-c", "true"}));
    EXPECT_TRUE(process.no_new_privileges);
    EXPECT_EQ(process.apparmor_profile, "profile");
    EXPECT_EQ(process.selinux_label, "label");
    EXPECT_EQ(process.oom_score_adj, -500);
}

TEST(ParseFull, user_capabilities_rlimits) {
    const Process& process = *full().process;
    EXPECT_EQ(process.user.uid, 4294967294U);
    EXPECT_EQ(process.user.gid, 1000U);
    EXPECT_EQ(process.user.umask, 18U);
    EXPECT_EQ(process.user.additional_gids, (std::vector<std::uint32_t>{5, 6}));
    EXPECT_EQ(process.capabilities->bounding, (Strings{"CAP_KILL"}));
    EXPECT_EQ(process.capabilities->effective, (Strings{"CAP_CHOWN"}));
    EXPECT_EQ(process.capabilities->permitted, (Strings{"CAP_SETUID"}));
    EXPECT_EQ(process.capabilities->inheritable, (Strings{"CAP_SETGID"}));
    EXPECT_EQ(process.capabilities->ambient, (Strings{"CAP_BPF"}));
    const Rlimit& rlimit = process.rlimits.at(0);
    EXPECT_EQ(rlimit.resource, RLIMIT_CORE);
    EXPECT_EQ(rlimit.name, "RLIMIT_CORE");
    EXPECT_EQ(rlimit.soft, 1U);
    EXPECT_EQ(rlimit.hard, RLIM_INFINITY);
}

TEST(ParseFull, scheduling) {
    const Scheduler& scheduler = *full().process->scheduler;
    EXPECT_EQ(scheduler.policy, SchedulerPolicy::deadline);
    EXPECT_EQ(scheduler.nice, -5);
    EXPECT_EQ(scheduler.priority, 7);
    EXPECT_EQ(scheduler.flags, (std::vector{SchedulerFlag::reset_on_fork, SchedulerFlag::util_clamp_max}));
    EXPECT_EQ(scheduler.runtime, 1U);
    EXPECT_EQ(scheduler.deadline, 2U);
    EXPECT_EQ(scheduler.period, 3U);
    EXPECT_EQ(full().process->io_priority->io_class, IoPriorityClass::idle);
    EXPECT_EQ(full().process->io_priority->priority, 4);
    EXPECT_EQ(full().process->exec_cpu_affinity->initial, "0-1");
    EXPECT_EQ(full().process->exec_cpu_affinity->final, "2");
}

TEST(ParseFull, namespaces_and_mappings) {
    std::vector<NamespaceType> types;
    for (const Namespace& each : full().linux.namespaces) types.push_back(each.type);
    EXPECT_EQ(types, (std::vector{NamespaceType::pid, NamespaceType::network, NamespaceType::mount,
                                  NamespaceType::ipc, NamespaceType::uts, NamespaceType::user,
                                  NamespaceType::cgroup, NamespaceType::time}));
    EXPECT_EQ(full().linux.namespaces.at(0).path, "");
    EXPECT_EQ(full().linux.namespaces.at(1).path, "/run/netns/a");
    const auto numbers = [](const IdMapping& mapping) {
        return std::array{mapping.container_id, mapping.host_id, mapping.size};
    };
    EXPECT_EQ(numbers(full().linux.uid_mappings.at(0)), (std::array{1U, 100000U, 65535U}));
    EXPECT_EQ(numbers(full().linux.gid_mappings.at(0)), (std::array{2U, 200000U, 65534U}));
    EXPECT_EQ(full().linux.time_offsets.at(Clock::monotonic).secs, -5);
    EXPECT_EQ(full().linux.time_offsets.at(Clock::boottime).nanosecs, 999999999U);
}

TEST(ParseFull, devices) {
    const Device& device = full().linux.devices.at(0);
    EXPECT_EQ(device.type, DeviceType::character);
    EXPECT_EQ(device.path, "/dev/fuse");
    EXPECT_EQ(device.major, 10U);
    EXPECT_EQ(device.minor, 229U);
    EXPECT_EQ(device.file_mode, 438U);
    EXPECT_EQ(device.uid, 1U);
    EXPECT_EQ(device.gid, 2U);
    EXPECT_EQ(full().linux.devices.at(1).type, DeviceType::fifo);
    EXPECT_EQ(full().linux.devices.at(1).major, std::nullopt);
    EXPECT_EQ(full().linux.net_devices.at("eth0").name, "container0");
    EXPECT_EQ(full().linux.net_devices.at("eth1").name, "");
}

TEST(ParseFull, device_rules) {
    const auto& rules = full().linux.resources.devices;
    EXPECT_FALSE(rules.at(0).allow);
    EXPECT_EQ(rules.at(0).type, DeviceRuleType::all);
    EXPECT_EQ(rules.at(0).major, std::nullopt);
    EXPECT_EQ(rules.at(0).access, "rwm");
    EXPECT_TRUE(rules.at(1).allow);
    EXPECT_EQ(rules.at(1).type, DeviceRuleType::block);
    EXPECT_EQ(rules.at(1).major, 8U);
    EXPECT_EQ(rules.at(1).minor, std::nullopt);        // -1
    EXPECT_EQ(rules.at(2).type, DeviceRuleType::all);  // ""
}

TEST(ParseFull, memory_cpu_pids) {
    const auto& [devices, memory, cpu, pids, io, huge, network, rdma, unified] = full().linux.resources;
    EXPECT_EQ(memory.limit, 1);
    EXPECT_EQ(memory.reservation, 2);
    EXPECT_EQ(memory.swap, -1);
    EXPECT_EQ(memory.kernel, 4);
    EXPECT_EQ(memory.kernel_tcp, 5);
    EXPECT_EQ(memory.swappiness, 60U);
    EXPECT_EQ(memory.disable_oom_killer, true);
    EXPECT_EQ(memory.use_hierarchy, false);
    EXPECT_EQ(memory.check_before_update, true);
    EXPECT_EQ(cpu.shares, 1024U);
    EXPECT_EQ(cpu.quota, -1);
    EXPECT_EQ(cpu.burst, 3U);
    EXPECT_EQ(cpu.period, 4U);
    EXPECT_EQ(cpu.realtime_runtime, 5);
    EXPECT_EQ(cpu.realtime_period, 6U);
    EXPECT_EQ(cpu.cpus, "0-1");
    EXPECT_EQ(cpu.mems, "0");
    EXPECT_EQ(cpu.idle, 1);
    EXPECT_EQ(pids.limit, 100);
}

TEST(ParseFull, block_io) {
    const BlockIo& io = full().linux.resources.block_io;
    EXPECT_EQ(io.weight, 10);
    EXPECT_EQ(io.leaf_weight, 11);
    EXPECT_EQ(io.weight_device.at(0).major, 8U);
    EXPECT_EQ(io.weight_device.at(0).minor, 1U);
    EXPECT_EQ(io.weight_device.at(0).weight, 500);
    EXPECT_EQ(io.weight_device.at(0).leaf_weight, 300);
    std::uint64_t rate = 600;
    for (const auto* throttle : {&io.throttle_read_bps_device, &io.throttle_write_bps_device,
                                 &io.throttle_read_iops_device, &io.throttle_write_iops_device}) {
        EXPECT_EQ(throttle->at(0).major, 8U) << rate;
        EXPECT_EQ(throttle->at(0).minor, 2U) << rate;
        EXPECT_EQ(throttle->at(0).rate, rate);
        ++rate;
    }
}

TEST(ParseFull, other_resources) {
    const Resources& resources = full().linux.resources;
    EXPECT_EQ(resources.hugepage_limits.at(0).page_size, "2MB");
    EXPECT_EQ(resources.hugepage_limits.at(0).limit, 4096U);
    EXPECT_EQ(resources.network.class_id, 1048577U);
    EXPECT_EQ(resources.network.priorities.at(0).name, "eth0");
    EXPECT_EQ(resources.network.priorities.at(0).priority, 500U);
    EXPECT_EQ(resources.rdma.at("mlx5_1").hca_handles, 3U);
    EXPECT_EQ(resources.rdma.at("mlx5_1").hca_objects, 10000U);
    EXPECT_EQ(resources.unified.at("memory.high"), "1G");
}

TEST(ParseFull, seccomp) {
    const Seccomp& seccomp = *full().linux.seccomp;
    EXPECT_EQ(seccomp.default_action, SeccompAction::error);
    EXPECT_EQ(seccomp.default_errno_ret, 38U);
    EXPECT_EQ(seccomp.architectures, (std::vector{SeccompArch::x86_64, SeccompArch::x32}));
    EXPECT_EQ(seccomp.flags, (std::vector{SeccompFlag::log, SeccompFlag::spec_allow}));
    EXPECT_EQ(seccomp.listener_path, "/run/listener");
    EXPECT_EQ(seccomp.listener_metadata, "meta");
    const SeccompSyscall& rule = seccomp.syscalls.at(0);
    EXPECT_EQ(rule.names, (Strings{"clone", "clone3"}));
    EXPECT_EQ(rule.action, SeccompAction::kill_thread);
    EXPECT_EQ(rule.errno_ret, 1U);
    EXPECT_EQ(rule.args.at(0).index, 5U);
    EXPECT_EQ(rule.args.at(0).value, 18446744073709551615U);
    EXPECT_EQ(rule.args.at(0).value_two, 2U);
    EXPECT_EQ(rule.args.at(0).op, SeccompOp::masked_eq);
}

TEST(ParseFull, the_rest_of_linux) {
    const Linux& linux = full().linux;
    EXPECT_EQ(linux.cgroups_path, "/a/b");
    EXPECT_EQ(linux.sysctl.at("net.core.somaxconn"), "256");
    EXPECT_EQ(linux.rootfs_propagation, Propagation::rslave);
    EXPECT_EQ(linux.masked_paths, (Strings{"/proc/kcore"}));
    EXPECT_EQ(linux.readonly_paths, (Strings{"/proc/sys"}));
    EXPECT_EQ(linux.mount_label, "mount label");
    EXPECT_EQ(linux.intel_rdt->clos_id, "group");
    EXPECT_EQ(linux.intel_rdt->schemata, (Strings{"L3:0=f"}));
    EXPECT_EQ(linux.intel_rdt->l3_cache_schema, "L3:0=ff");
    EXPECT_EQ(linux.intel_rdt->mem_bw_schema, "MB:0=20");
    EXPECT_TRUE(linux.intel_rdt->enable_monitoring);
    EXPECT_EQ(linux.personality->domain, PersonalityDomain::linux32);
    EXPECT_EQ(linux.personality->flags, (Strings{"f"}));
    EXPECT_EQ(linux.memory_policy->mode, MemoryPolicyMode::interleave);
    EXPECT_EQ(linux.memory_policy->nodes, "0-1");
    EXPECT_EQ(linux.memory_policy->flags, (std::vector{MemoryPolicyFlag::static_nodes}));
}

// config.md, "Extensibility": unknown properties are ignored, on every level.
TEST(Parse, ignores_an_unknown_property_in_every_object) {
    auto tree = nlohmann::json::parse(full_document);
    const auto flat = tree.flatten();
    int objects = 0;
    for (const auto& [pointer, value] : flat.items()) {
        const auto parent = nlohmann::json::json_pointer(pointer).parent_pointer();
        const bool is_map = parent.to_string().ends_with("/annotations") ||
                            parent.to_string().ends_with("/sysctl") ||
                            parent.to_string().ends_with("/unified");
        if (!tree[parent].is_object() || is_map) continue;
        tree[parent]["not in the standard"] = {{"at", {1, 2, nullptr}}};
        ++objects;
    }
    EXPECT_GT(objects, 100);
    EXPECT_TRUE(parse(tree.dump()));
}

TEST(Parse, takes_null_for_absent) {
    for (const char* pointer :
         {"/process/capabilities", "/hooks", "/mounts", "/linux/resources", "/linux/seccomp",
          "/process/user/umask", "/process/rlimits", "/annotations", "/linux/maskedPaths"})
        EXPECT_TRUE(parse(with(pointer, "null"))) << pointer;
    EXPECT_EQ(parse(with("/process/capabilities", "null"))->process->capabilities, std::nullopt);
    EXPECT_EQ(parse(with("/process", "null"))->process, std::nullopt);
}

TEST(Parse, tells_an_empty_seccomp_flag_list_from_none) {
    const std::string profile = with("/linux/seccomp", R"({"defaultAction":"SCMP_ACT_ALLOW"})");
    EXPECT_EQ(parse(profile)->linux.seccomp->flags, std::nullopt);
    EXPECT_EQ(parse(put(profile, "/linux/seccomp/flags", "null"))->linux.seccomp->flags, std::nullopt);
    EXPECT_TRUE(parse(put(profile, "/linux/seccomp/flags", "[]"))->linux.seccomp->flags->empty());
}

TEST(Parse, takes_every_version_one) {
    for (const char* version : {"1.0.0", "1.0.2-dev", "1.1.0+dev", "1.0.0-rc5", "1.99.1", "1.0.0-rc.1-2+a.b"})
        EXPECT_TRUE(parse(with("/ociVersion", cat('"', version, '"')))) << version;
}

TEST(Parse, takes_the_smallest_document) {
    const auto spec = parse(R"({"ociVersion":"1.0.0"})");
    EXPECT_FALSE(spec->process);
    EXPECT_FALSE(spec->root);
    EXPECT_TRUE(spec->mounts.empty() && spec->linux.namespaces.empty());
}

TEST(Parse, knows_every_rlimit_and_every_word) {
    EXPECT_EQ(rlimit_names().size(), 16U);
    for (const RlimitName& each : rlimit_names())
        EXPECT_EQ(
            parse(with("/process/rlimits/0/type", json_string(each.text)))->process->rlimits[0].resource,
            each.meaning);
    for (const auto& each : word_list<SeccompAction>().words)
        EXPECT_EQ(parse(with("/linux/seccomp/defaultAction", json_string(each.text)))
                      ->linux.seccomp->default_action,
                  each.meaning);
    EXPECT_EQ(word(NamespaceType::network), "network");
    EXPECT_EQ(word(SeccompAction::kill_thread), "SCMP_ACT_KILL");
}

TEST(Parse, reads_a_process_or_resources_alone) {
    EXPECT_EQ(parse_process(R"({"cwd":"/","args":["id"]})", "p.json")->args, (Strings{"id"}));
    EXPECT_EQ(parse_process(R"({"user":{"uid":-1}})", "p.json").error().text,
              "p.json: /user/uid: -1: must be a whole number from 0 to 4294967294");
    EXPECT_EQ(parse_resources(R"({"pids":{"limit":7}})", "-")->pids.limit, 7);
}

TEST(Parse, is_fast) {
    const std::string document = default_document();
    auto best = std::chrono::nanoseconds::max();
    for (int i = 0; i < 200; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        ASSERT_TRUE(parse(document));
        best = std::min(best, std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin));
    }
    RecordProperty("nanoseconds", static_cast<int>(best.count()));
    EXPECT_LT(best, std::chrono::milliseconds(5));  // under sanitizers, too; without them it takes some 50 us
}

}  // namespace
}  // namespace bulkhead::spec::test
