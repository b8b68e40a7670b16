// SPDX-License-Identifier: Apache-2.0
#include "spec/validate.hpp"

#include <gtest/gtest.h>

#include <set>

#include "spec/capabilities.hpp"
#include "spec/checks.hpp"
#include "support.hpp"

namespace bulkhead::spec::test {
namespace {

using Strings = std::vector<std::string>;

struct Refused {
    std::string_view put;
    std::string_view value;
    std::string_view error;  // behind "config.json: "
};

void PrintTo(const Refused& each, std::ostream* out) { *out << each.put << " = " << each.value; }

class Validate : public testing::TestWithParam<Refused> {};

TEST_P(Validate, refuses_the_document_and_says_why) {
    const auto& [pointer, value, error] = GetParam();
    const auto spec = parse(with(std::string(pointer), value));
    ASSERT_TRUE(spec) << spec.error().text;
    const auto valid = validate(*spec);
    ASSERT_FALSE(valid);
    EXPECT_EQ(valid.error().kind, Kind::invalid_config);
    EXPECT_EQ(valid.error().text, cat("config.json: ", error));
}

INSTANTIATE_TEST_SUITE_P(
    process, Validate,
    testing::Values(
        Refused{"/process", R"({"cwd": "/", "args": ["x"], "terminal": true, "consoleSize": {"height": 1}})",
                "/process/consoleSize/width: is required"},
        Refused{
            "/process",
            R"({"cwd": "/", "args": ["x"], "terminal": true, "consoleSize": {"height": 65536, "width": 1}})",
            "/process/consoleSize/height: 65536: must be a whole number from 0 to 65535"},
        Refused{"/process/cwd", "null", "/process/cwd: Cwd property must not be empty"},
        Refused{"/process/cwd", "\"\"", "/process/cwd: Cwd property must not be empty"},
        Refused{"/process/cwd", "\"tmp\"", "/process/cwd: \"tmp\": Cwd must be an absolute path"},
        Refused{"/process/args", "[]", "/process/args: args must not be empty"},
        Refused{"/process/args", "null", "/process/args: args must not be empty"},
        Refused{"/process/env", "[\"A=\",\"FOO\"]", "/process/env/1: invalid environment variable: \"FOO\""},
        Refused{"/process/env", "[\"\"]", "/process/env/0: invalid environment variable: \"\""},
        Refused{"/process/env", "[\"=x\"]",
                "/process/env/0: environment variable name can't be empty: \"=x\""},
        Refused{"/process/rlimits",
                R"([{"type":"RLIMIT_AS","soft":1,"hard":1},{"type":"RLIMIT_AS","soft":1,"hard":1}])",
                "/process/rlimits/1/type: \"RLIMIT_AS\": duplicated rlimit type"},
        Refused{"/process/rlimits/0/soft", "1025",
                "/process/rlimits/0/soft: 1025: is above the hard limit 1024 of RLIMIT_NOFILE"},
        Refused{"/process/scheduler", R"({"policy":"SCHED_OTHER","nice":20})",
                "/process/scheduler/nice: invalid scheduler.nice: 20"},
        Refused{"/process/scheduler", R"({"policy":"SCHED_OTHER","nice":-21})",
                "/process/scheduler/nice: invalid scheduler.nice: -21"},
        Refused{"/process/scheduler", R"({"policy":"SCHED_RR","priority":100})",
                "/process/scheduler/priority: 100: must be from 0 to 99"},
        Refused{"/process/scheduler", R"({"policy":"SCHED_BATCH","priority":1})",
                "/process/scheduler/priority: 1: scheduler.priority can only be specified for SchedFIFO or "
                "SchedRR policy"},
        Refused{"/process/scheduler", R"({"policy":"SCHED_FIFO","runtime":1})",
                "/process/scheduler/runtime: 1: scheduler runtime/deadline/period can only be specified for "
                "SchedDeadline policy"},
        Refused{"/process/ioPriority", R"({"class":"IOPRIO_CLASS_BE","priority":8})",
                "/process/ioPriority/priority: invalid ioPriority.Priority: 8"},
        Refused{"/process/execCPUAffinity/initial", "\"all\"",
                "/process/execCPUAffinity/initial: \"all\": must be a list of CPUs such as 0-3,7"},
        Refused{"/process/execCPUAffinity/initial", "\"3-1\"",
                "/process/execCPUAffinity/initial: \"3-1\": must be a list of CPUs such as 0-3,7"},
        Refused{"/process/execCPUAffinity/initial", "\"0,\"",
                "/process/execCPUAffinity/initial: \"0,\": must be a list of CPUs such as 0-3,7"},
        Refused{"/process/execCPUAffinity/final", "\"0x1\"",
                "/process/execCPUAffinity/final: \"0x1\": must be a list of CPUs such as 0-3,7"}));

INSTANTIATE_TEST_SUITE_P(
    filesystem, Validate,
    testing::Values(
        Refused{"/root", "null", "/root: root must be specified"},
        Refused{"/root/path", "null", "/root/path: root path must not be empty"},
        Refused{"/root/path", "\"\"", "/root/path: root path must not be empty"},
        Refused{"/mounts/2/destination", "\"\"",
                "/mounts/2/destination: mount destination must not be empty"},
        Refused{"/mounts/2/destination", "\"/\"",
                "/mounts/2/destination: \"/\": mount destination is the root of the container"},
        Refused{"/mounts/2/destination", "\"//./\"",
                "/mounts/2/destination: \"//./\": mount destination is the root of the container"},
        Refused{"/mounts/2/destination", "\"/a/../..\"",
                "/mounts/2/destination: \"/a/../..\": mount destination is the root of the container"},
        Refused{"/mounts/2/destination", "\".\"",
                "/mounts/2/destination: \".\": mount destination is the root of the container"},
        Refused{"/mounts/0/uidMappings", R"([{"containerID":0,"hostID":0,"size":1}])",
                "/mounts/0: uidMappings and gidMappings must be given together"},
        Refused{"/linux/maskedPaths/1", "\"\"", "/linux/maskedPaths/1: path must not be empty"},
        Refused{"/linux/readonlyPaths/0", "\"\"", "/linux/readonlyPaths/0: path must not be empty"},
        Refused{"/linux/devices", R"([{"type":"b","path":"/dev/x","major":4096,"minor":3}])",
                "/linux/devices/0/major: 4096: must be from 0 to 4095"},
        Refused{"/linux/devices", R"([{"type":"c","path":"/dev/x","major":1,"minor":1048576}])",
                "/linux/devices/0/minor: 1048576: must be from 0 to 1048575"},
        Refused{"/linux/devices", R"([{"type":"c","path":"dev/x","major":1,"minor":3}])",
                "/linux/devices/0/path: \"dev/x\": must be an absolute path"},
        Refused{"/linux/devices", R"([{"type":"p","path":"/p"},{"type":"c","path":"/x","minor":3}])",
                "/linux/devices/1/major: is required for every type but p"},
        Refused{"/linux/devices", R"([{"type":"b","path":"/x","major":3}])",
                "/linux/devices/0/minor: is required for every type but p"},
        Refused{"/hooks/prestart", R"([{"path":"true"}])",
                "/hooks/prestart/0/path: \"true\": must be an absolute path"},
        Refused{"/hooks/createRuntime", R"([{"args":["x"]}])",
                "/hooks/createRuntime/0/path: \"\": must be an absolute path"},
        Refused{"/hooks/createContainer", R"([{"path":"/x","timeout":0}])",
                "/hooks/createContainer/0/timeout: 0: must be greater than zero"},
        Refused{"/hooks/startContainer", R"([{"path":"/x","timeout":-1}])",
                "/hooks/startContainer/0/timeout: -1: must be greater than zero"},
        Refused{"/hooks/poststart", R"([{"path":"/x"},{"path":"y"}])",
                "/hooks/poststart/1/path: \"y\": must be an absolute path"},
        Refused{"/hooks/poststop", R"([{"path":"./x"}])",
                "/hooks/poststop/0/path: \"./x\": must be an absolute path"},
        Refused{"/annotations", R"({"":"x"})", "/annotations/: annotation key must not be empty"}));

INSTANTIATE_TEST_SUITE_P(
    namespaces, Validate,
    testing::Values(
        Refused{"/linux/namespaces", R"([{"type":"pid"},{"type":"pid"}])",
                "/linux/namespaces/1: malformed spec file: duplicated ns {\"pid\" \"\"}"},
        Refused{"/linux/namespaces", R"([{"type":"network"},{"type":"network","path":"/x"}])",
                "/linux/namespaces/1: malformed spec file: duplicated ns {\"network\" \"/x\"}"},
        Refused{"/linux/namespaces/1/path", "\"proc/1/ns/net\"",
                "/linux/namespaces/1/path: \"proc/1/ns/net\": namespace path must be absolute"},
        Refused{"/linux/namespaces", R"([{"type":"mount"}])",
                "/hostname: \"bulkhead\": unable to set hostname without a private UTS namespace"},
        Refused{"/linux/namespaces", R"([{"type":"uts"}])",
                "/linux/maskedPaths: unable to restrict sys entries without a private MNT namespace"},
        Refused{"/linux", "null",
                "/hostname: \"bulkhead\": unable to set hostname without a private UTS namespace"},
        Refused{"/linux", R"({"namespaces":[{"type":"uts"}],"readonlyPaths":["/x"]})",
                "/linux/readonlyPaths: unable to restrict sys entries without a private MNT namespace"},
        Refused{"/linux/uidMappings", R"([{"containerID":0,"hostID":0,"size":1}])",
                "/linux/uidMappings: User namespace mappings specified, but USER namespace isn't enabled in "
                "the config"},
        Refused{"/linux/gidMappings", R"([{"containerID":0,"hostID":0,"size":1}])",
                "/linux/gidMappings: User namespace mappings specified, but USER namespace isn't enabled in "
                "the config"},
        Refused{"/linux/namespaces/5/type", "\"user\"",
                "/linux/uidMappings: User namespaces enabled, but no uid mappings found."},
        Refused{"/linux/timeOffsets/boottime/secs", "1",
                "/linux/timeOffsets: time namespace offsets specified, but time namespace isn't enabled in "
                "the config"},
        Refused{"/linux/netDevices", R"({"a/b":{}})",
                "/linux/netDevices: \"a/b\": invalid network device name"},
        Refused{"/linux/netDevices", R"({"eth0":{"name":"eth1"},"eth1":{}})",
                "/linux/netDevices/eth1/name: \"eth1\": two network devices have this name in the container"},
        Refused{"/linux/netDevices", R"({"eth0":{"name":"sixteen letters!"}})",
                "/linux/netDevices/eth0/name: \"sixteen letters!\": invalid network device name"}));

INSTANTIATE_TEST_SUITE_P(
    linux_rest, Validate,
    testing::Values(
        Refused{"/linux/cgroupsPath", "\"/a/../b\"",
                "/linux/cgroupsPath: \"/a/../b\": cgroup path must not contain .."},
        Refused{"/linux/cgroupsPath", "\"..\"",
                "/linux/cgroupsPath: \"..\": cgroup path must not contain .."},
        Refused{"/linux/resources/devices/0/access", "\"\"",
                "/linux/resources/devices/0/access: device access at 0 field cannot be empty"},
        Refused{"/linux/resources/devices/0/access", "\"rx\"",
                "/linux/resources/devices/0/access: \"rx\": must be made of the letters r, w and m"},
        Refused{"/linux/resources/devices/1", R"({"allow":true})",
                "/linux/resources/devices/1/access: device access at 1 field cannot be empty"},
        Refused{"/linux/intelRdt/closID", "\"..\"", "/linux/intelRdt/closID: invalid intelRdt.ClosID \"..\""},
        Refused{"/linux/intelRdt/closID", "\"a/b\"",
                "/linux/intelRdt/closID: invalid intelRdt.ClosID \"a/b\""},
        Refused{"/linux/intelRdt/closID", R"("a\nb")",
                R"(/linux/intelRdt/closID: invalid intelRdt.ClosID "a\x0ab")"},
        Refused{"/linux/intelRdt/memBwSchema", "\"L3:0=f\"",
                "/linux/intelRdt/memBwSchema: \"L3:0=f\": must start with MB:"},
        Refused{"/linux/intelRdt/memBwSchema", R"("MB:0=20\nL3:0=f")",
                R"(/linux/intelRdt/memBwSchema: "MB:0=20\x0aL3:0=f": must not contain newlines)"},
        Refused{"/linux/intelRdt/schemata", R"(["L3:0=f", "MB:0=20\n"])",
                R"(/linux/intelRdt/schemata/1: "MB:0=20\x0a": must not contain newlines)"},
        Refused{"/linux/intelRdt/schemata", R"([""])",
                "/linux/intelRdt/schemata/0: \"\": must be a line of a schemata file"},
        Refused{"/linux/memoryPolicy", R"({"mode":"MPOL_DEFAULT","nodes":"0"})",
                "/linux/memoryPolicy/nodes: \"0\": MPOL_DEFAULT takes no nodes"},
        Refused{"/linux/memoryPolicy", R"({"mode":"MPOL_LOCAL","nodes":"0-1"})",
                "/linux/memoryPolicy/nodes: \"0-1\": MPOL_LOCAL takes no nodes"},
        Refused{"/linux/memoryPolicy", R"({"mode":"MPOL_WEIGHTED_INTERLEAVE","nodes":" "})",
                "/linux/memoryPolicy/nodes: MPOL_WEIGHTED_INTERLEAVE needs nodes"},
        Refused{"/linux/memoryPolicy", R"({"mode":"MPOL_BIND"})",
                "/linux/memoryPolicy/nodes: MPOL_BIND needs nodes"},
        Refused{
            "/linux/memoryPolicy",
            R"({"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_STATIC_NODES","MPOL_F_RELATIVE_NODES"]})",
            "/linux/memoryPolicy/flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other"},
        Refused{"/linux/memoryPolicy", R"({"mode":"MPOL_PREFERRED","flags":["MPOL_F_RELATIVE_NODES"]})",
                "/linux/memoryPolicy/flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES are about nodes: "
                "none are given"},
        Refused{"/linux/memoryPolicy",
                R"({"mode":"MPOL_INTERLEAVE","nodes":"0","flags":["MPOL_F_NUMA_BALANCING"]})",
                "/linux/memoryPolicy/flags: MPOL_F_NUMA_BALANCING is for MPOL_BIND and MPOL_PREFERRED_MANY"},
        Refused{"/linux/seccomp/defaultAction", "\"SCMP_ACT_NOTIFY\"",
                "/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY cannot be used as default action"},
        Refused{"/linux/seccomp",
                R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[],"action":"SCMP_ACT_LOG"}]})",
                "/linux/seccomp/syscalls/0/names: must name at least one system call"},
        Refused{
            "/linux/seccomp",
            R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["write"],"action":"SCMP_ACT_NOTIFY"}]})",
            "/linux/seccomp/listenerPath: seccomp listenerPath is not set, and a rule has SCMP_ACT_NOTIFY"},
        Refused{
            "/linux/seccomp",
            R"({"defaultAction":"SCMP_ACT_LOG","flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]})",
            "/linux/seccomp/flags/1: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is for a listener, and no rule "
            "has "
            "SCMP_ACT_NOTIFY"},
        Refused{"/linux/seccomp", R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":4095})",
                "/linux/seccomp/defaultErrnoRet: 4095: must be an error number: 0 to 4094"},
        Refused{
            "/linux/seccomp",
            R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_ERRNO","errnoRet":65535}]})",
            "/linux/seccomp/syscalls/0/errnoRet: 65535: must be an error number: 0 to 4094"},
        Refused{"/linux/seccomp", R"({"defaultAction":"SCMP_ACT_ALLOW","defaultErrnoRet":1})",
                "/linux/seccomp/defaultErrnoRet: 1: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take one"},
        Refused{
            "/linux/seccomp",
            R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","errnoRet":2}]})",
            "/linux/seccomp/syscalls/0/errnoRet: 2: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take one"},
        Refused{"/linux/seccomp", R"({"defaultAction":"SCMP_ACT_ALLOW","listenerMetadata":"x"})",
                "/linux/seccomp/listenerMetadata: must not be set without listenerPath"}));

TEST(Validate, needs_a_uts_namespace_for_the_domainname) {
    const std::string document = put(without("/hostname"), "/domainname", "\"d\"");
    EXPECT_EQ(verdict(put(document, "/linux/namespaces", R"([{"type":"mount"}])")),
              "config.json: /domainname: \"d\": unable to set domainname without a private UTS namespace");
}

TEST(Validate, needs_both_kinds_of_mappings) {
    const std::string document = with("/linux/namespaces/5/type", "\"user\"");
    const std::string uids =
        put(document, "/linux/uidMappings", R"([{"containerID":0,"hostID":0,"size":1}])");
    EXPECT_EQ(verdict(uids),
              "config.json: /linux/gidMappings: User namespaces enabled, but no gid mappings found.");
}

TEST(Validate, wants_the_user_in_the_maps_of_a_new_user_namespace) {
    const std::string mapped =
        put(put(with("/linux/namespaces", R"([{"type":"mount"},{"type":"uts"},{"type":"user"}])"),
                "/linux/uidMappings",
                R"([{"containerID":0,"hostID":1,"size":10},{"containerID":100,"hostID":100,"size":10}])"),
            "/linux/gidMappings", R"([{"containerID":0,"hostID":1,"size":10}])");
    const auto refused = [](std::string_view what) {
        return cat("config.json: /process/user/", what, " is not mapped in the container's user namespace");
    };
    for (const char* uid : {"0", "9", "100", "109"})
        EXPECT_EQ(verdict(put(mapped, "/process/user/uid", uid)).find("is not mapped"), std::string::npos)
            << uid;
    for (const char* uid : {"10", "99", "110"})
        EXPECT_EQ(verdict(put(mapped, "/process/user/uid", uid)), refused(cat("uid: ", uid, ":")));
    EXPECT_EQ(verdict(put(mapped, "/process/user/gid", "10")), refused("gid: 10:"));
    EXPECT_EQ(verdict(put(mapped, "/process/user/additionalGids", "[5, 10]")),
              refused("additionalGids/1: 10:"));
    const std::string joined = put(mapped, "/linux/namespaces/2", R"({"type":"user","path":"/x"})");
    EXPECT_EQ(verdict(put(joined, "/process/user/uid", "10")).find("is not mapped"), std::string::npos)
        << "the maps of another's namespace are its own";
}

TEST(Validate, refuses_offsets_for_a_joined_time_namespace) {
    const std::string document = with("/linux/namespaces/5", R"({"type":"time","path":"/x"})");
    EXPECT_EQ(verdict(put(document, "/linux/timeOffsets/monotonic/secs", "1")),
              "config.json: /linux/timeOffsets: time namespace offsets specified, but the time namespace is "
              "joined");
}

TEST(Validate, needs_a_network_namespace_to_move_a_device) {
    const std::string document = with("/linux/namespaces", R"([{"type":"mount"},{"type":"uts"}])");
    EXPECT_EQ(
        verdict(put(document, "/linux/netDevices/eth0", "{}")),
        "config.json: /linux/netDevices: unable to move network devices without a private NET namespace");
}

TEST(Validate, refuses_a_cgroup_path_that_no_kernel_takes) {
    const std::string error =
        verdict(with("/linux/cgroupsPath", json_string(cat('/', std::string(4095, 'x')))));
    EXPECT_TRUE(error.ends_with("cgroup path is too long")) << error;
    EXPECT_EQ(verdict(with("/linux/cgroupsPath", json_string(cat('/', std::string(4094, 'x'))))), "fine");
}

TEST(Validate, takes_what_runc_takes) {
    const std::pair<const char*, const char*> table[] = {
        {"/process/env", R"(["A=","A=1","A=b=c"])"},
        {"/process/env", "[]"},
        {"/process/capabilities", R"({"effective":["CAP_KILL"],"permitted":["CAP_KILL"]})"},
        {"/process/capabilities", R"({"bounding":["CAP_KILL"],"inheritable":["CAP_KILL"]})"},
        {"/process/rlimits",
         R"([{"type":"RLIMIT_AS","soft":0,"hard":0},{"type":"RLIMIT_CPU","soft":1,"hard":1}])"},
        {"/process/execCPUAffinity", R"({"initial":"0-3, 7","final":""})"},
        {"/linux/cgroupsPath", "\"system.slice:runc:x\""},
        {"/linux/cgroupsPath", "\"/a/..b/c...\""},
        {"/linux/maskedPaths", R"(["proc/kcore"])"},
        {"/linux/resources/devices", R"([{"allow":true,"type":"c","major":-1,"minor":-1,"access":"mrw"}])"},
        {"/linux/seccomp", "null"},
        {"/annotations", R"({"a":""})"},
        {"/process/user/uid", "4294967294"},
    };
    for (const auto& [pointer, value] : table) EXPECT_EQ(verdict(with(pointer, value)), "fine") << pointer;
}

TEST(Validate, takes_what_the_standard_allows_of_seccomp) {
    const char* profiles[] = {
        R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":4094})",
        R"({"defaultAction":"SCMP_ACT_TRACE","defaultErrnoRet":65535})",
        R"({"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/x","listenerMetadata":"m"})",
        R"({"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/x","flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
            "syscalls":[{"names":["write","execve"],"action":"SCMP_ACT_NOTIFY"}]})",
    };
    for (const char* profile : profiles) {
        const auto spec = parse(with("/linux/seccomp", profile));
        ASSERT_TRUE(spec) << profile;
        for (const Check& check : checks())
            if (check.name.starts_with("seccomp")) {
                EXPECT_TRUE(check.run(*spec)) << profile << ": " << check.name;
            }
    }
}

TEST(Validate, looks_at_no_console_size_without_a_terminal) {
    for (const std::string_view size :
         {"{}", R"({"height": 1})", R"({"height": 65536, "width": 99999999999})"}) {
        const auto valid =
            validate(*parse(put(with("/process/terminal", "false"), "/process/consoleSize", size)));
        EXPECT_TRUE(valid) << size << ": " << valid.error().text;
    }
}

TEST(Validate, warns_of_unknown_capabilities_and_drops_them) {
    const auto spec = parse(with("/process/capabilities", R"({
        "bounding": ["CAP_NEW", "CAP_KILL", "cap_chown"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"],
        "inheritable": ["CAP_NEW"]})"));
    const auto valid = validate(*spec);
    ASSERT_TRUE(valid) << valid.error().text;
    EXPECT_EQ(valid->warnings(),
              (Strings{"config.json: /process/capabilities: ignoring unknown or unavailable "
                       "capabilities: [CAP_NEW cap_chown]"}));
    EXPECT_EQ((*valid)->process->capabilities->bounding, (Strings{"CAP_KILL"}));
    EXPECT_TRUE((*valid)->process->capabilities->inheritable.empty());
}

TEST(Validate, leaves_out_capabilities_that_contradict_another_set) {
    const auto spec = parse(with("/process/capabilities", R"({
        "bounding": ["CAP_KILL"], "permitted": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_BPF", "CAP_KILL"],
        "inheritable": ["CAP_KILL", "CAP_CHOWN"], "ambient": ["CAP_CHOWN", "CAP_KILL"]})"));
    const auto valid = validate(*spec);
    ASSERT_TRUE(valid) << valid.error().text;
    const Capabilities& sets = *(*valid)->process->capabilities;
    EXPECT_EQ(sets.effective, (Strings{"CAP_KILL"}));
    EXPECT_EQ(sets.inheritable, (Strings{"CAP_KILL"}));
    EXPECT_EQ(sets.ambient, (Strings{"CAP_KILL"}));  // CAP_CHOWN was inheritable only in the document
    EXPECT_EQ(sets.permitted, (Strings{"CAP_KILL", "CAP_CHOWN"}));  // until execve, as with runc
    EXPECT_EQ(
        valid->warnings(),
        (Strings{"config.json: /process/capabilities/effective: ignoring capabilities that are not in the "
                 "permitted set: [CAP_BPF]",
                 "config.json: /process/capabilities/inheritable: ignoring capabilities that are not in "
                 "the bounding set: [CAP_CHOWN]",
                 "config.json: /process/capabilities/ambient: ignoring capabilities that are not both "
                 "permitted and inheritable: [CAP_CHOWN]"}));
}

TEST(Validate, keeps_an_ambient_capability_only_where_the_kernel_would_raise_it) {
    const auto spec = parse(with("/process/capabilities", R"({
        "bounding": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL", "CAP_CHOWN"],
        "inheritable": ["CAP_KILL", "CAP_CHOWN"], "ambient": ["CAP_BPF", "CAP_KILL", "CAP_SYSLOG"]})"));
    const auto valid = validate(*spec);
    ASSERT_TRUE(valid) << valid.error().text;
    EXPECT_EQ((*valid)->process->capabilities->ambient, (Strings{"CAP_KILL"}));
    EXPECT_EQ(valid->warnings(),
              (Strings{"config.json: /process/capabilities/ambient: ignoring capabilities that are not both "
                       "permitted and inheritable: [CAP_BPF CAP_SYSLOG]"}));
}

TEST(Validate, says_nothing_of_ambient_capabilities_where_nothing_is_inheritable) {
    const auto valid = validate(*parse(default_document()));
    ASSERT_TRUE(valid) << valid.error().text;
    EXPECT_TRUE((*valid)->process->capabilities->ambient.empty());
    EXPECT_TRUE(valid->warnings().empty()) << valid->warnings().front();
}

TEST(Validate, warns_of_a_relative_mount_destination) {
    const auto valid = validate(*parse(with("/mounts/0/destination", "\"proc\"")));
    ASSERT_TRUE(valid);
    EXPECT_EQ(valid->warnings(), (Strings{"config.json: /mounts/0/destination: mount destination proc is not "
                                          "absolute: taken as relative to /"}));
}

TEST(Validate, warns_of_a_relative_masked_or_readonly_path) {
    const auto valid = validate(*parse(with("/linux/maskedPaths", R"(["/a", "proc/kcore"])")));
    ASSERT_TRUE(valid);
    EXPECT_EQ(valid->warnings(), (Strings{"config.json: /linux/maskedPaths/1: path proc/kcore is not "
                                          "absolute: taken as relative to /"}));
}

TEST(Validate, takes_a_document_without_a_process_which_cannot_run) {
    const auto valid = validate(*parse(without("/process")));
    ASSERT_TRUE(valid) << valid.error().text;
    EXPECT_FALSE(valid->has_program());
    EXPECT_EQ(valid->process().cwd, "/");
    EXPECT_FALSE(valid->process().capabilities);
    EXPECT_TRUE(validate(*parse(with("/hostname", "\"x\"")))->has_program());
}

TEST(Validate, refuses_mappings_that_the_kernel_would_not_take) {
    const auto verdict_on = [](std::string_view more) {
        const std::string maps =
            R"([{"containerID":0,"hostID":100000,"size":65536})" + std::string(more) + "]";
        std::string document = with("/linux/namespaces/5/type", "\"user\"");
        document = put(document, "/linux/uidMappings", maps);
        return verdict(put(document, "/linux/gidMappings", maps));
    };
    const std::string first = "config.json: /linux/uidMappings/1/";
    EXPECT_EQ(verdict_on(R"(,{"containerID":65536,"hostID":0,"size":1})"), "fine");
    EXPECT_EQ(verdict_on(R"(,{"containerID":65536,"hostID":0,"size":0})"),
              first + "size: 0: must be at least 1");
    EXPECT_EQ(verdict_on(R"(,{"containerID":65536,"hostID":4294967294,"size":2})"),
              first + "size: 2: goes beyond the last id, 4294967294");
    EXPECT_EQ(verdict_on(R"(,{"containerID":65535,"hostID":0,"size":1})"),
              first + "containerID: 65535: overlaps with mapping 0");
    EXPECT_EQ(verdict_on(R"(,{"containerID":65536,"hostID":99999,"size":2})"),
              first + "hostID: 99999: overlaps with mapping 0");
}

TEST(Validate, escapes_what_it_shows) {
    EXPECT_EQ(verdict(with("/process/cwd", R"("\u001b[31m")")),
              R"(config.json: /process/cwd: "\x1b[31m": Cwd must be an absolute path)");
    EXPECT_LT(verdict(with("/process/cwd", json_string(std::string(100'000, 'x')))).size(), 400U);
}

TEST(Validate, takes_every_form_of_intel_rdt) {
    for (const char* rdt :
         {"{}", R"({"closID": "/"})", R"({"closID": "gold", "enableMonitoring": true})",
          R"({"l3CacheSchema": "L3:0=f;1=f", "memBwSchema": "MB:0=20", "schemata": ["L2:0=3", "x"]})"})
        EXPECT_EQ(verdict(with("/linux/intelRdt", rdt)), "fine") << rdt;
}

// runc reads these on cgroup v1 and ignores them on v2; execCPUAffinity concerns exec only.
TEST(Validate, takes_what_a_cgroup_v2_host_ignores) {
    const std::pair<const char*, const char*> table[] = {
        {"/linux/resources/memory",
         R"({"kernel":1,"kernelTCP":1,"swappiness":60,"disableOOMKiller":true,"useHierarchy":true,"checkBeforeUpdate":true})"},
        {"/linux/resources/cpu", R"({"realtimeRuntime":1,"realtimePeriod":1})"},
        {"/linux/resources/blockIO", R"({"leafWeight":10})"},
        {"/linux/resources/network", R"({"classID":1,"priorities":[{"name":"eth0","priority":1}]})"},
        {"/linux/resources/pids", "{}"},
        {"/linux/resources/memory", "{}"},
        {"/linux/resources", "{}"},
        {"/process/execCPUAffinity", R"({"initial":"0"})"},
    };
    for (const auto& [pointer, value] : table) EXPECT_EQ(verdict(with(pointer, value)), "fine") << pointer;
}

TEST(Validate, warns_of_a_cache_schema_that_is_not_one_line_of_l3) {
    const auto warnings_of = [](const char* schema) {
        const auto valid =
            validate(*parse(with("/linux/intelRdt", cat(R"({"l3CacheSchema": ")", schema, "\"}"))));
        return valid ? valid->warnings() : std::vector{valid.error().text};
    };
    EXPECT_EQ(warnings_of("L3:0=f"), std::vector<std::string>());
    EXPECT_EQ(warnings_of("L3CODE:0=f"),
              std::vector<std::string>{"config.json: /linux/intelRdt/l3CacheSchema: \"L3CODE:0=f\" should be "
                                       "one line that starts with L3:"});
    EXPECT_EQ(warnings_of(R"(L3:0=f\nMB:0=20)").size(), 1U);
}

TEST(Validate, has_a_name_for_each_check) {
    std::set<std::string_view> names;
    for (const Check& check : checks()) names.insert(check.name);
    EXPECT_EQ(names.size(), checks().size());
}

TEST(Capabilities, are_found_by_their_exact_name) {
    EXPECT_EQ(capability_number("CAP_CHOWN"), 0);
    EXPECT_EQ(capability_number("CAP_CHECKPOINT_RESTORE"), 40);
    for (const char* name : {"cap_chown", "CHOWN", "CAP_", "", "CAP_CHOWN ", "CAP_ZZZ"})
        EXPECT_EQ(capability_number(name), std::nullopt) << name;
}

TEST(Validate, TakesAPidsLimitOfZeroForNoneBeforeVersion13) {
    for (const auto& [version, limit] :
         {std::pair{"1.0.0", -1}, {"1.0.2-dev", -1}, {"1.2.1", -1}, {"1.3.0", 0}, {"1.10.0", 0}}) {
        auto spec = parse(with("/linux/resources/pids/limit", "0"));
        ASSERT_TRUE(spec) << spec.error().text;
        spec->oci_version = version;
        EXPECT_EQ(validate(*spec).value()->linux.resources.pids.limit, limit) << version;
    }
    auto spec = parse(with("/linux/resources/pids/limit", "7"));
    spec->oci_version = "1.0.2";
    EXPECT_EQ(validate(*spec).value()->linux.resources.pids.limit, 7);
}

}  // namespace
}  // namespace bulkhead::spec::test
