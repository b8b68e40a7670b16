// SPDX-License-Identifier: Apache-2.0
// What parse refuses: the default document with one value that has the wrong type or range.
#include <gtest/gtest.h>

#include "support.hpp"

namespace bulkhead::spec::test {
namespace {

struct Refused {
    std::string_view put;      // at this pointer
    std::string_view value;    // this
    std::string_view reason;   // and what the error ends with, behind "config.json: <pointer>: "
    std::string_view at = {};  // the pointer in the error, where it is another one
};

void PrintTo(const Refused& each, std::ostream* out) { *out << each.put << " = " << each.value; }

class Parse : public testing::TestWithParam<Refused> {};

TEST_P(Parse, refuses_the_value_and_names_it) {
    const auto& [pointer, value, reason, other] = GetParam();
    const auto spec = parse(with(std::string(pointer), value));
    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().kind, Kind::invalid_config);
    EXPECT_EQ(spec.error().text, cat("config.json: ", other.empty() ? pointer : other, ": ", reason));
}

constexpr std::string_view in_u16 = ": must be a whole number from 0 to 65535";
constexpr std::string_view in_u32 = ": must be a whole number from 0 to 4294967295";
constexpr std::string_view in_i64 =
    ": must be a whole number from -9223372036854775808 to 9223372036854775807";
constexpr std::string_view in_u64 = ": must be a whole number from 0 to 18446744073709551615";

// Each property once, with a type it does not have.
INSTANTIATE_TEST_SUITE_P(
    wrong_type, Parse,
    testing::Values(Refused{"/ociVersion", "1", "1: must be a string"},
                    Refused{"/process", "[]", "an array: must be an object"},
                    Refused{"/root", "\"rootfs\"", "\"rootfs\": must be an object"},
                    Refused{"/hostname", "7", "7: must be a string"},
                    Refused{"/domainname", "[]", "an array: must be a string"},
                    Refused{"/mounts", "{}", "an object: must be a list"},
                    Refused{"/hooks", "[]", "an array: must be an object"},
                    Refused{"/annotations", "[]", "an array: must be an object"},
                    Refused{"/linux", "1", "1: must be an object"},
                    Refused{"/root/path", "1", "1: must be a string"},
                    Refused{"/root/readonly", "1", "1: must be true or false"},
                    Refused{"/mounts/0", "\"/x\"", "\"/x\": must be an object"},
                    Refused{"/mounts/0/destination", "{}", "an object: must be a string"},
                    Refused{"/mounts/0/type", "false", "false: must be a string"},
                    Refused{"/mounts/0/source", "0", "0: must be a string"},
                    Refused{"/mounts/0/options", "\"ro\"", "\"ro\": must be a list"},
                    Refused{"/mounts/1/options/2", "755", "755: must be a string"},
                    Refused{"/mounts/0/uidMappings", "{}", "an object: must be a list"},
                    Refused{"/mounts/0/gidMappings", "1", "1: must be a list"},
                    Refused{"/hooks/prestart", "{}", "an object: must be a list"},
                    Refused{"/hooks/createRuntime", "1", "1: must be a list"},
                    Refused{"/hooks/createContainer", "1", "1: must be a list"},
                    Refused{"/hooks/startContainer", "1", "1: must be a list"},
                    Refused{"/hooks/poststart", "1", "1: must be a list"},
                    Refused{"/hooks/poststop", "1", "1: must be a list"},
                    Refused{"/hooks/prestart/0", "\"/x\"", "\"/x\": must be an object"},
                    Refused{"/hooks/prestart/0/path", "1", "1: must be a string"},
                    Refused{"/hooks/prestart/0/args", "\"x\"", "\"x\": must be a list"},
                    Refused{"/hooks/prestart/0/env", "{}", "an object: must be a list"},
                    Refused{"/hooks/prestart/0/timeout", "1.5",
                            "1.5: must be a whole number from -9223372036854775808 to 9223372036854775807"},
                    Refused{"/annotations/a", "1", "1: must be a string"},
                    Refused{"/annotations/a", "null", "null: must be a string"}));

INSTANTIATE_TEST_SUITE_P(
    wrong_type_process, Parse,
    testing::Values(
        Refused{"/process/terminal", "\"true\"", "\"true\": must be true or false"},
        Refused{"/process/consoleSize", "24", "24: must be an object"},
        Refused{"/process/consoleSize", R"({"height":1,"width":-1})",
                "-1: must be a whole number from 0 to 18446744073709551615", "/process/consoleSize/width"},
        Refused{"/process/cwd", "[\"/\"]", "an array: must be a string"},
        Refused{"/process/env", "{\"A\":\"1\"}", "an object: must be a list"},
        Refused{"/process/env/1", "null", "null: must be a string"},
        Refused{"/process/args", "\"sh\"", "\"sh\": must be a list"},
        Refused{"/process/args/0", "1", "1: must be a string"},
        Refused{"/process/user", "0", "0: must be an object"},
        Refused{"/process/user/additionalGids", "0", "0: must be a list"},
        Refused{"/process/capabilities", "[]", "an array: must be an object"},
        Refused{"/process/capabilities/bounding", "\"CAP_KILL\"", "\"CAP_KILL\": must be a list"},
        Refused{"/process/capabilities/effective", "1", "1: must be a list"},
        Refused{"/process/capabilities/permitted", "1", "1: must be a list"},
        Refused{"/process/capabilities/inheritable", "1", "1: must be a list"},
        Refused{"/process/capabilities/ambient/0", "5", "5: must be a string"},
        Refused{"/process/noNewPrivileges", "0", "0: must be true or false"},
        Refused{"/process/rlimits", "{}", "an object: must be a list"},
        Refused{"/process/rlimits/0/type", "7", "7: must be a string"},
        Refused{"/process/apparmorProfile", "1", "1: must be a string"},
        Refused{"/process/selinuxLabel", "1", "1: must be a string"},
        Refused{"/process/oomScoreAdj", "\"0\"", "\"0\": must be a whole number from -1000 to 1000"},
        Refused{"/process/scheduler", "\"SCHED_RR\"", "\"SCHED_RR\": must be an object"},
        Refused{"/process/scheduler/nice", "1", "is required", "/process/scheduler/policy"},
        Refused{"/process/ioPriority/priority", "1", "is required", "/process/ioPriority/class"},
        Refused{"/process/ioPriority", R"({"class":"IOPRIO_CLASS_RT"})", "is required",
                "/process/ioPriority/priority"},
        Refused{"/process/execCPUAffinity", "\"0\"", "\"0\": must be an object"},
        Refused{"/process/execCPUAffinity/initial", "0", "0: must be a string"},
        Refused{"/process/execCPUAffinity/final", "0", "0: must be a string"}));

// E43, and CVE-2026-30892: an id that is anything but a plain number must never come out as 0.
INSTANTIATE_TEST_SUITE_P(
    ids, Parse,
    testing::Values(
        Refused{"/process/user/uid", "-1", "-1: must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/uid", "4294967295", "4294967295: must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/uid", "4294967296", "4294967296: must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/uid", "18446744073709551616",
                "18446744073709551616: must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/uid", "\"1000\"", "\"1000\": must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/uid", "1000.0", "1000.0: must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/uid", "1e3", "1e3: must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/uid", "1e400", "number overflow parsing '1e400'"},
        Refused{"/process/user/uid", "true", "true: must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/uid", "[0]", "an array: must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/gid", "-1", "-1: must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/gid", "4294967295", "4294967295: must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/gid", "\"0\"", "\"0\": must be a whole number from 0 to 4294967294"},
        Refused{"/process/user/additionalGids", "[5,4294967295]",
                "4294967295: must be a whole number from 0 to 4294967294", "/process/user/additionalGids/1"},
        Refused{"/process/user/additionalGids", "[\"5\"]",
                "\"5\": must be a whole number from 0 to 4294967294", "/process/user/additionalGids/0"},
        Refused{"/process/user/umask", "512", "512: must be a whole number from 0 to 511"},
        Refused{"/process/user/umask", "\"022\"", "\"022\": must be a whole number from 0 to 511"}));

INSTANTIATE_TEST_SUITE_P(
    words, Parse,
    testing::Values(
        Refused{"/ociVersion", "\"\"", "\"\": must be a version 1 of the standard, such as 1.3.0"},
        Refused{"/ociVersion", "\"1\"", "\"1\": must be a version 1 of the standard, such as 1.3.0"},
        Refused{"/ociVersion", "\"1.3\"", "\"1.3\": must be a version 1 of the standard, such as 1.3.0"},
        Refused{"/ociVersion", "\"2.0.0\"", "\"2.0.0\": must be a version 1 of the standard, such as 1.3.0"},
        Refused{"/ociVersion", "\"0.2.0\"", "\"0.2.0\": must be a version 1 of the standard, such as 1.3.0"},
        Refused{"/ociVersion", "\"1.0.0-\"",
                "\"1.0.0-\": must be a version 1 of the standard, such as 1.3.0"},
        Refused{"/ociVersion", "\"1.0.01\"",
                "\"1.0.01\": must be a version 1 of the standard, such as 1.3.0"},
        Refused{"/ociVersion", "\"1.3.0-rc.01\"",
                "\"1.3.0-rc.01\": must be a version 1 of the standard, such as 1.3.0"},
        Refused{"/ociVersion", "\"1.0.x\"", "\"1.0.x\": must be a version 1 of the standard, such as 1.3.0"},
        Refused{"/ociVersion", "\"v1.0.0\"",
                "\"v1.0.0\": must be a version 1 of the standard, such as 1.3.0"},
        Refused{"/ociVersion", "null", "is required"},
        Refused{"/process/rlimits/0/type", "\"RLIMIT_FOO\"",
                "\"RLIMIT_FOO\": wrong rlimit value: RLIMIT_FOO"},
        Refused{"/process/rlimits/0/type", "\"rlimit_core\"",
                "\"rlimit_core\": wrong rlimit value: rlimit_core"},
        Refused{"/process/rlimits", R"([{"soft":1,"hard":1}])", "is required", "/process/rlimits/0/type"},
        Refused{"/process/rlimits", R"([{"type":"RLIMIT_AS","hard":1}])", "is required",
                "/process/rlimits/0/soft"},
        Refused{"/process/rlimits/0/hard", "null", "is required"},
        Refused{"/process/rlimits/0/soft", "-1", "-1: must be a whole number from 0 to 18446744073709551615"},
        Refused{"/process/rlimits/0/hard", "18446744073709551616",
                "18446744073709551616: must be a whole number from 0 to 18446744073709551615"},
        Refused{"/process/oomScoreAdj", "1001", "1001: must be a whole number from -1000 to 1000"},
        Refused{"/process/oomScoreAdj", "-1001", "-1001: must be a whole number from -1000 to 1000"},
        Refused{"/process/scheduler/policy", "\"FIFO\"",
                "\"FIFO\": invalid scheduler policy: FIFO: must be one of SCHED_BATCH SCHED_DEADLINE "
                "SCHED_FIFO SCHED_IDLE SCHED_ISO SCHED_OTHER SCHED_RR"},
        Refused{"/process/ioPriority/class", "\"RT\"",
                "\"RT\": invalid ioPriority.Class: RT: must be one of IOPRIO_CLASS_BE IOPRIO_CLASS_IDLE "
                "IOPRIO_CLASS_RT"},
        Refused{"/linux/rootfsPropagation", "\"foo\"",
                "\"foo\": rootfsPropagation=foo is not supported: must be one of private rprivate rshared "
                "rslave runbindable shared slave unbindable"},
        Refused{"/linux/namespaces/0/type", "\"foo\"",
                "\"foo\": namespace {\"foo\" \"\"} does not exist: must be one of cgroup ipc mount network "
                "pid time user uts"},
        Refused{"/linux/namespaces/0/type", "\"PID\"",
                "\"PID\": namespace {\"PID\" \"\"} does not exist: must be one of cgroup ipc mount network "
                "pid time user uts"},
        Refused{"/linux/namespaces", R"([{"path":"/x"}])", "is required", "/linux/namespaces/0/type"},
        Refused{"/linux/personality/domain", "\"BSD\"",
                "\"BSD\": invalid personality domain BSD: must be one of LINUX LINUX32"},
        Refused{"/linux/timeOffsets/realtime/secs", "1",
                "an object: clock does not exist: must be one of boottime monotonic",
                "/linux/timeOffsets/realtime"},
        Refused{"/linux/timeOffsets/boottime/nanosecs", "1000000000",
                "1000000000: must be a whole number from 0 to 999999999"},
        Refused{"/linux/timeOffsets/boottime/secs", "0.5",
                "0.5: must be a whole number from -9223372036854775808 to 9223372036854775807"}));

struct Number {
    std::string_view pointer;
    std::string_view value;
    std::string_view range;
};
void PrintTo(const Number& each, std::ostream* out) { *out << each.pointer << " = " << each.value; }

class ParseLinux : public testing::TestWithParam<Number> {};

TEST_P(ParseLinux, refuses_the_value_and_names_it) {
    const auto& [pointer, value, range] = GetParam();
    const auto spec = parse(with(cat("/linux/", pointer), value));
    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().kind, Kind::invalid_config);
    EXPECT_EQ(spec.error().text, cat("config.json: /linux/", pointer, ": ", value, range));
}

INSTANTIATE_TEST_SUITE_P(
    numbers, ParseLinux,
    testing::Values(
        Number{"devices/0/major", "-1", in_u32}, Number{"devices/0/minor", "4294967296", in_u32},
        Number{"devices/0/fileMode", "\"0666\"", in_u32},
        Number{"devices/0/uid", "4294967295", ": must be a whole number from 0 to 4294967294"},
        Number{"devices/0/gid", "4294967295", ": must be a whole number from 0 to 4294967294"},
        Number{"uidMappings/0/containerID", "-1", in_u32}, Number{"uidMappings/0/hostID", "\"1\"", in_u32},
        Number{"gidMappings/0/size", "4294967296", in_u32}, Number{"resources/devices/0/major", "-2", in_u32},
        Number{"resources/devices/0/minor", "\"*\"", in_u32},
        Number{"resources/memory/limit", "9223372036854775808", in_i64},
        Number{"resources/memory/reservation", "\"1G\"", in_i64},
        Number{"resources/memory/swap", "1e9", in_i64}, Number{"resources/memory/kernel", "true", in_i64},
        Number{"resources/memory/kernelTCP", "0.0", in_i64},
        Number{"resources/memory/swappiness", "-1", in_u64}, Number{"resources/cpu/shares", "-1", in_u64},
        Number{"resources/cpu/quota", "\"50%\"", in_i64}, Number{"resources/cpu/burst", "-1", in_u64},
        Number{"resources/cpu/period", "-1", in_u64}, Number{"resources/cpu/realtimeRuntime", "1.5", in_i64},
        Number{"resources/cpu/realtimePeriod", "-1", in_u64}, Number{"resources/cpu/idle", "true", in_i64},
        Number{"resources/pids/limit", "\"max\"", in_i64},
        Number{"resources/blockIO/weight", "65536", in_u16},
        Number{"resources/blockIO/leafWeight", "-1", in_u16},
        Number{"resources/blockIO/throttleReadBpsDevice/0/rate", "-1", in_u64},
        Number{"resources/blockIO/throttleWriteBpsDevice/0/major", "-1", in_u32},
        Number{"resources/blockIO/throttleReadIOPSDevice/0/minor", "-1", in_u32},
        Number{"resources/blockIO/throttleWriteIOPSDevice/0/rate", "\"1\"", in_u64},
        Number{"resources/blockIO/weightDevice/0/weight", "70000", in_u16},
        Number{"resources/blockIO/weightDevice/0/leafWeight", "70000", in_u16},
        Number{"resources/hugepageLimits/0/limit", "-1", in_u64},
        Number{"resources/network/classID", "-1", in_u32},
        Number{"resources/network/priorities/0/priority", "-1", in_u32},
        Number{"resources/rdma/mlx5/hcaHandles", "-1", in_u32},
        Number{"resources/rdma/mlx5/hcaObjects", "\"1\"", in_u32},
        Number{"seccomp/defaultErrnoRet", "65536", in_u16},
        Number{"seccomp/syscalls/0/errnoRet", "-1", in_u16},
        Number{"seccomp/syscalls/0/args/0/index", "6", ": must be a whole number from 0 to 5"},
        Number{"seccomp/syscalls/0/args/0/value", "-1", in_u64},
        Number{"seccomp/syscalls/0/args/0/valueTwo", "1.5", in_u64}));

INSTANTIATE_TEST_SUITE_P(
    types, ParseLinux,
    testing::Values(
        Number{"namespaces", "\"pid\"", ": must be a list"},
        Number{"namespaces/0/path", "7", ": must be a string"},
        Number{"timeOffsets", "1", ": must be an object"}, Number{"netDevices", "1", ": must be an object"},
        Number{"netDevices/eth0", "null", ": must be an object"},
        Number{"netDevices/eth0/name", "1", ": must be a string"},
        Number{"cgroupsPath", "7", ": must be a string"}, Number{"devices", "1", ": must be a list"},
        Number{"devices/0/path", "7", ": must be a string"}, Number{"resources", "1", ": must be an object"},
        Number{"resources/devices", "\"a\"", ": must be a list"},
        Number{"resources/devices/0/allow", "\"yes\"", ": must be true or false"},
        Number{"resources/devices/0/access", "7", ": must be a string"},
        Number{"resources/memory", "1", ": must be an object"},
        Number{"resources/memory/disableOOMKiller", "0", ": must be true or false"},
        Number{"resources/memory/useHierarchy", "1", ": must be true or false"},
        Number{"resources/memory/checkBeforeUpdate", "1", ": must be true or false"},
        Number{"resources/cpu", "1", ": must be an object"},
        Number{"resources/cpu/cpus", "0", ": must be a string"},
        Number{"resources/cpu/mems", "0", ": must be a string"},
        Number{"resources/pids", "5", ": must be an object"},
        Number{"resources/blockIO", "1", ": must be an object"},
        Number{"resources/hugepageLimits/0/pageSize", "2", ": must be a string"},
        Number{"resources/network", "1", ": must be an object"},
        Number{"resources/network/priorities/0/name", "1", ": must be a string"},
        Number{"resources/rdma", "1", ": must be an object"},
        Number{"resources/unified", "1", ": must be an object"},
        Number{"resources/unified/cpu.weight", "100", ": must be a string"},
        Number{"seccomp", "true", ": must be an object"},
        Number{"seccomp/flags", "\"x\"", ": must be a list"},
        Number{"seccomp/listenerPath", "1", ": must be a string"},
        Number{"seccomp/listenerMetadata", "1", ": must be a string"},
        Number{"seccomp/syscalls/0/names", "\"read\"", ": must be a list"},
        Number{"sysctl", "1", ": must be an object"},
        Number{"sysctl/net.core.somaxconn", "256", ": must be a string"},
        Number{"rootfsPropagation", "1", ": must be a string"},
        Number{"maskedPaths", "\"/proc\"", ": must be a list"},
        Number{"maskedPaths/0", "1", ": must be a string"}, Number{"readonlyPaths", "1", ": must be a list"},
        Number{"mountLabel", "1", ": must be a string"}, Number{"intelRdt", "1", ": must be an object"},
        Number{"intelRdt/closID", "1", ": must be a string"},
        Number{"intelRdt/schemata", "\"\"", ": must be a list"},
        Number{"intelRdt/l3CacheSchema", "1", ": must be a string"},
        Number{"intelRdt/memBwSchema", "1", ": must be a string"},
        Number{"intelRdt/enableMonitoring", "1", ": must be true or false"},
        Number{"personality", "1", ": must be an object"}, Number{"memoryPolicy", "1", ": must be an object"},
        Number{"memoryPolicy/nodes", "0", ": must be a string"}));

// Words of the lists that the tests above did not have: the sentence is runc's where runc knows the word.
INSTANTIATE_TEST_SUITE_P(
    runc_words, ParseLinux,
    testing::Values(
        Number{"devices/0/type", "\"z\"", ": invalid device type \"z\": must be one of b c p u"},
        Number{"resources/devices/0/type", "\"u\"",
               ": invalid cgroup device type \"u\": must be one of a b c"},
        Number{"memoryPolicy/mode", "\"BIND\"",
               ": invalid memory policy mode \"BIND\": must be one of MPOL_BIND MPOL_DEFAULT MPOL_INTERLEAVE "
               "MPOL_LOCAL MPOL_PREFERRED MPOL_PREFERRED_MANY MPOL_WEIGHTED_INTERLEAVE"},
        Number{"memoryPolicy/flags/0", "\"F\"",
               ": invalid memory policy flag \"F\": must be one of MPOL_F_NUMA_BALANCING "
               "MPOL_F_RELATIVE_NODES MPOL_F_STATIC_NODES"},
        Number{"seccomp/defaultAction", "\"FOO\"",
               ": string FOO is not a valid action for seccomp: must be one of SCMP_ACT_ALLOW SCMP_ACT_ERRNO "
               "SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_LOG SCMP_ACT_NOTIFY "
               "SCMP_ACT_TRACE SCMP_ACT_TRAP"},
        Number{"seccomp/flags/0", "\"F\"",
               ": seccomp flag \"F\" is not known: must be one of SECCOMP_FILTER_FLAG_LOG "
               "SECCOMP_FILTER_FLAG_SPEC_ALLOW SECCOMP_FILTER_FLAG_TSYNC "
               "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"},
        Number{"seccomp/syscalls/0/args/0/op", "\"EQ\"",
               ": string EQ is not a valid operator for seccomp: must be one of SCMP_CMP_EQ SCMP_CMP_GE "
               "SCMP_CMP_GT SCMP_CMP_LE SCMP_CMP_LT SCMP_CMP_MASKED_EQ SCMP_CMP_NE"}));

TEST(Parse, refuses_an_unknown_seccomp_architecture) {
    const auto spec = parse(with("/linux/seccomp/architectures", "[\"SCMP_ARCH_Z80\"]"));
    EXPECT_TRUE(spec.error().text.starts_with(
        "config.json: /linux/seccomp/architectures/0: \"SCMP_ARCH_Z80\": "
        "string SCMP_ARCH_Z80 is not a valid arch for seccomp: must be one of"));
}

struct Lacking {
    std::string_view pointer;  // of an object that lacks one property
    std::string_view object;
    std::string_view property;
};

TEST(Parse, names_a_required_property_that_is_missing) {
    const Lacking table[] = {
        {"/linux/uidMappings/0", R"({"hostID":0,"size":1})", "containerID"},
        {"/linux/uidMappings/0", R"({"containerID":0,"size":1})", "hostID"},
        {"/linux/gidMappings/0", R"({"containerID":0,"hostID":0})", "size"},
        {"/linux/devices/0", R"({"type":"c"})", "path"},
        {"/linux/devices/0", R"({"path":"/dev/x"})", "type"},
        {"/linux/resources/devices/0", R"({"access":"r"})", "allow"},
        {"/linux/resources/hugepageLimits/0", R"({"limit":1})", "pageSize"},
        {"/linux/resources/network/priorities/0", R"({"name":"eth0"})", "priority"},
        {"/linux/resources/blockIO/weightDevice/0", R"({"minor":1})", "major"},
        {"/linux/resources/blockIO/throttleReadBpsDevice/0", R"({"major":1,"minor":1})", "rate"},
        {"/linux/seccomp", R"({})", "defaultAction"},
        {"/linux/seccomp/syscalls/0", R"({"action":"SCMP_ACT_LOG"})", "names"},
        {"/linux/seccomp/syscalls/0", R"({"names":["read"]})", "action"},
        {"/linux/seccomp/syscalls/0/args/0", R"({"value":1,"op":"SCMP_CMP_EQ"})", "index"},
        {"/linux/personality", R"({})", "domain"},
        {"/linux/memoryPolicy", R"({"nodes":"0"})", "mode"},
    };
    for (const auto& [pointer, object, property] : table)
        EXPECT_EQ(parse(with(std::string(pointer), object)).error().text,
                  cat("config.json: ", pointer, "/", property, ": is required"));
}

TEST(Parse, wants_an_object_with_a_version) {
    EXPECT_EQ(parse("[]").error().text, "config.json: an array: must be an object");
    EXPECT_EQ(parse("7").error().text, "config.json: 7: must be an object");
    EXPECT_EQ(parse("{}").error().text, "config.json: /ociVersion: is required");
    EXPECT_EQ(parse(R"({"OCIVersion":"1.0.0"})").error().text, "config.json: /ociVersion: is required");
}

TEST(Parse, refuses_a_property_that_is_given_twice) {
    const std::string twice = R"({"ociVersion":"1.3.0","root":{"path":"a"},"root":{"path":"b"}})";
    EXPECT_EQ(parse(twice).error().text, "config.json: /root: is given twice");
}

}  // namespace
}  // namespace bulkhead::spec::test
