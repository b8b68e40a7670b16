// SPDX-License-Identifier: Apache-2.0
#include "spec/short_form/short_form.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "spec/defaults.hpp"

namespace bulkhead::spec::short_form {
namespace {

constexpr std::string_view profile = R"({"defaultAction": "SCMP_ACT_ALLOW"})";

Result<std::string> compiled(std::string_view text) {
    LET(const yaml::Node form, yaml::parse(text, "t.yaml"));
    return compile(form, "t.yaml", {default_document(), std::string(profile), std::string(profile)});
}

// What stands at a pointer of the document; the error, if it is one.
std::string at(std::string_view text, std::string_view pointer) {
    const auto document = compiled(text);
    if (!document) return document.error().text;
    const auto json = nlohmann::ordered_json::parse(*document);
    const nlohmann::ordered_json::json_pointer place{std::string(pointer)};
    return json.contains(place) ? json[place].dump() : "nothing";
}

struct Compiled {
    std::string_view text, pointer, json;
};

class ShortForm : public testing::TestWithParam<Compiled> {};

TEST_P(ShortForm, writes_the_property) {
    const auto& [text, pointer, json] = GetParam();
    EXPECT_EQ(at(text, pointer), json) << text;
}

INSTANTIATE_TEST_SUITE_P(
    process, ShortForm,
    testing::Values(
        Compiled{"{}", "/process/terminal", "false"}, Compiled{"terminal: true", "/process/terminal", "true"},
        Compiled{"command: [echo, 7, 'a b']", "/process/args", R"(["echo","7","a b"])"},
        Compiled{"command: sh -c \"a 'b'\" c\\ d '' 'it''s'", "/process/args",
                 R"(["sh","-c","a 'b'","c d","","its"])"},
        Compiled{"command: |\n  sh -c \"say \\\"x\\\" \\n\"\n", "/process/args",
                 R"(["sh","-c","say \"x\" \\n"])"},
        Compiled{"env: {TERM: dumb, N: 1}", "/process/env/1", R"("TERM=dumb")"},
        Compiled{"env: {TERM: dumb, N: 1}", "/process/env/2", R"("N=1")"},
        Compiled{"env: [A=b=c]", "/process/env/2", R"("A=b=c")"},
        Compiled{"cwd: /tmp", "/process/cwd", R"("/tmp")"},
        Compiled{"user: 7", "/process/user", R"({"uid":7,"gid":7})"},
        Compiled{"user: 7:8", "/process/user", R"({"uid":7,"gid":8})"},
        Compiled{"user: {uid: 7, groups: [1, 2], umask: 027}", "/process/user",
                 R"({"uid":7,"gid":0,"additionalGids":[1,2],"umask":23})"},
        Compiled{"capabilities: [net_raw, CAP_KILL]", "/process/capabilities/permitted",
                 R"(["CAP_NET_RAW","CAP_KILL"])"},
        Compiled{"capabilities: []", "/process/capabilities",
                 R"({"bounding":[],"effective":[],"permitted":[]})"},
        Compiled{"capabilities: {drop: [ALL], add: [CHOWN]}", "/process/capabilities/bounding",
                 R"(["CAP_CHOWN"])"},
        Compiled{"capabilities: {drop: [KILL], add: [NET_RAW]}", "/process/capabilities/effective",
                 R"(["CAP_AUDIT_WRITE","CAP_NET_BIND_SERVICE","CAP_NET_RAW"])"},
        Compiled{"capabilities: {inheritable: [KILL], ambient: [KILL]}", "/process/capabilities/ambient",
                 R"(["CAP_KILL"])"},
        Compiled{"noNewPrivileges: false", "/process/noNewPrivileges", "false"},
        Compiled{"rlimits: {nofile: '1:2'}", "/process/rlimits",
                 R"([{"type":"RLIMIT_NOFILE","soft":1,"hard":2}])"},
        Compiled{"rlimits: {RLIMIT_CORE: unlimited}", "/process/rlimits/0/hard", "18446744073709551615"},
        Compiled{"rlimits: {stack: {soft: 1Ki, hard: 1Mi}}", "/process/rlimits/0",
                 R"({"type":"RLIMIT_STACK","soft":1024,"hard":1048576})"},
        Compiled{"oomScoreAdj: -5", "/process/oomScoreAdj", "-5"},
        Compiled{"apparmor: a", "/process/apparmorProfile", R"("a")"},
        Compiled{"selinux: u:r:t:s0", "/process/selinuxLabel", R"("u:r:t:s0")"},
        Compiled{"scheduler: {policy: SCHED_OTHER, nice: 5}", "/process/scheduler/nice", "5"},
        Compiled{"ioPriority: {class: IOPRIO_CLASS_BE, priority: 1}", "/process/ioPriority/priority", "1"},
        Compiled{"affinity: {final: '0'}", "/process/execCPUAffinity", R"({"final":"0"})"}));

INSTANTIATE_TEST_SUITE_P(
    limits, ShortForm,
    testing::Values(
        Compiled{"limits: {memory: 512Mi}", "/linux/resources/memory/limit", "536870912"},
        Compiled{"limits: {memory: unlimited}", "/linux/resources/memory/limit", "-1"},
        Compiled{"limits: {memory: 2M, swap: 1K}", "/linux/resources/memory/swap", "2001000"},
        Compiled{"limits: {memory: 2Gi, swap: unlimited}", "/linux/resources/memory/swap", "-1"},
        Compiled{"limits: {memoryReservation: 12B}", "/linux/resources/memory/reservation", "12"},
        Compiled{"limits: {cpus: 0.5}", "/linux/resources/cpu", R"({"quota":50000,"period":100000})"},
        Compiled{"limits: {cpus: 2}", "/linux/resources/cpu/quota", "200000"},
        Compiled{"limits: {cpuShares: 512, cpuBurst: 5, cpuIdle: 1}", "/linux/resources/cpu",
                 R"({"shares":512,"burst":5,"idle":1})"},
        Compiled{"limits: {cpuset: 0-1, cpusetMems: 0}", "/linux/resources/cpu",
                 R"({"cpus":"0-1","mems":"0"})"},
        Compiled{"limits: {pids: 10}", "/linux/resources/pids/limit", "10"},
        Compiled{"limits: {pids: unlimited}", "/linux/resources/pids/limit", "-1"},
        Compiled{"limits: {ioWeight: 100}", "/linux/resources/blockIO/weight", "100"},
        Compiled{"limits: {hugepages: {2Mi: 4Mi, 1Gi: 0}}", "/linux/resources/hugepageLimits",
                 R"([{"pageSize":"2MB","limit":4194304},{"pageSize":"1GB","limit":0}])"},
        Compiled{"limits: {unified: {memory.high: 7}}", "/linux/resources/unified", R"({"memory.high":"7"})"},
        Compiled{"cgroup: /a/b", "/linux/cgroupsPath", R"("/a/b")"}));

INSTANTIATE_TEST_SUITE_P(
    filesystem, ShortForm,
    testing::Values(
        Compiled{"rootfs: /r", "/root/path", R"("/r")"},
        Compiled{"readonly: false", "/root/readonly", "false"},
        Compiled{"rootfsPropagation: private", "/linux/rootfsPropagation", R"("private")"},
        Compiled{"mounts: ['a:/b:ro,nosuid']", "/mounts/7",
                 R"({"destination":"/b","type":"bind","source":"a","options":["rbind","ro","nosuid"]})"},
        Compiled{"mounts: [{destination: /t, type: tmpfs, source: x, size: 1Mi}]", "/mounts/7/options",
                 R"(["size=1048576"])"},
        Compiled{"mounts: [{destination: /t, type: tmpfs, options: 'ro,nosuid'}]", "/mounts/7/options",
                 R"(["ro","nosuid"])"},
        Compiled{"mounts: [{destination: /dev/shm, type: tmpfs, source: own}]", "/mounts/3/source",
                 R"("own")"},
        Compiled{"mounts: [{destination: /dev/shm, type: tmpfs}]", "/mounts/7", "nothing"},
        Compiled{"layers: [/a, /b]", "/annotations", R"({"run.bulkhead.overlay.lower":"/a:/b"})"},
        Compiled{"layers: {lower: [/a], upper: /u, work: /w}", "/annotations/run.bulkhead.overlay.work",
                 R"("/w")"},
        Compiled{"devices: [{path: /dev/x, type: c, major: 1, minor: 3, mode: 0640, uid: 5}]",
                 "/linux/devices/0",
                 R"({"path":"/dev/x","type":"c","major":1,"minor":3,"fileMode":416,"uid":5})"},
        Compiled{"devices: [{path: /dev/x, type: u, major: 1, minor: 3}]", "/linux/resources/devices/1",
                 R"({"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"})"},
        Compiled{"devices: [{path: /dev/x, type: b, major: 1, minor: 3, access: none}]",
                 "/linux/resources/devices/1", "nothing"},
        Compiled{"deviceRules: ['c 1:* rm']", "/linux/resources/devices/1",
                 R"({"allow":true,"type":"c","major":1,"access":"rm"})"},
        Compiled{"deviceRules: [deny b *:2 w]", "/linux/resources/devices/1",
                 R"({"allow":false,"type":"b","minor":2,"access":"w"})"},
        Compiled{"maskedPaths: [/proc/kcore]", "/linux/maskedPaths", R"(["/proc/kcore"])"},
        Compiled{"readonlyPaths: []", "/linux/readonlyPaths", "[]"}));

INSTANTIATE_TEST_SUITE_P(
    isolation, ShortForm,
    testing::Values(
        Compiled{"hostname: 7", "/hostname", R"("7")"}, Compiled{"domainname: d", "/domainname", R"("d")"},
        Compiled{"namespaces: {network: host}", "/linux/namespaces/1/type", R"("ipc")"},
        Compiled{"namespaces: {network: /n}", "/linux/namespaces/1", R"({"type":"network","path":"/n"})"},
        Compiled{"namespaces: {time: private}", "/linux/namespaces/6", R"({"type":"time"})"},
        Compiled{"{namespaces: {user: private}, uidMappings: ['0:5:1'], gidMappings: ['0:6:1']}",
                 "/linux/gidMappings", R"([{"containerID":0,"hostID":6,"size":1}])"},
        Compiled{"{namespaces: {time: private}, timeOffsets: {monotonic: -5}}", "/linux/timeOffsets",
                 R"({"monotonic":{"secs":-5}})"},
        Compiled{"netDevices: {eth1: eth0}", "/linux/netDevices", R"({"eth1":{"name":"eth0"}})"},
        Compiled{"sysctl: {kernel.msgmax: 7}", "/linux/sysctl", R"({"kernel.msgmax":"7"})"},
        Compiled{"annotations: {a: true}", "/annotations", R"({"a":"true"})"},
        Compiled{"annotations: {}", "/annotations", "{}"},
        Compiled{"personality: {domain: LINUX}", "/linux/personality/domain", R"("LINUX")"},
        Compiled{"hooks: {poststop: [/a b]}", "/hooks/poststop/0", R"({"path":"/a","args":["/a","b"]})"},
        Compiled{"hooks: {prestart: [{path: /a, timeout: 5}]}", "/hooks/prestart/0",
                 R"({"path":"/a","timeout":5})"},
        Compiled{"seccomp: default", "/linux/seccomp", R"({"defaultAction":"SCMP_ACT_ALLOW"})"},
        Compiled{"seccomp: ./p.json", "/linux/seccomp", R"({"defaultAction":"SCMP_ACT_ALLOW"})"},
        Compiled{"seccomp: unconfined", "/linux/seccomp", "nothing"},
        Compiled{"config: {linux: {mountLabel: x}, hostname: null}", "/linux/mountLabel", R"("x")"},
        Compiled{"config: {hostname: null}", "/hostname", "nothing"},
        Compiled{"{hostname: a, config: {hostname: b}}", "/hostname", R"("b")"},
        Compiled{"config: {x: [1, -2, 0x10, 0o17, 1.5, true, ~, '1']}", "/x",
                 R"([1,-2,16,15,1.5,true,null,"1"])"}));

TEST(ShortFormErrors, name_the_place) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"[]", "1:1: a list: must be a map"},
        {"", "1:1: null: must be a map"},
        {"\nlimit: {}", "2:1: /limit: unknown key, did you mean \"limits\"?"},
        {"limits:\n  memroy: 1Mi", "2:3: /limits/memroy: unknown key, did you mean \"memory\"?"},
        {"user: {name: x}", "1:8: /user/name: unknown key: must be one of uid gid groups umask"},
        {"limits:\n  memory: 512Mx",
         "2:11: /limits/memory: \"512Mx\": not a size (a whole number, and B, Ki, Mi, Gi, Ti, K, M, G or "
         "nothing)"},
        {"limits: {memory: 9223372036854775807Ki}",
         "1:18: /limits/memory: \"9223372036854775807Ki\": not a size (a whole number, and B, Ki, Mi, Gi, "
         "Ti, K, M, G or "
         "nothing)"},
        {"limits: {cpus: 0}",
         "1:16: /limits/cpus: \"0\": not a number of processors from 0.01 on, such as 0.5"},
        {"limits: {cpus: nan}",
         "1:16: /limits/cpus: \"nan\": not a number of processors from 0.01 on, such as 0.5"},
        {"limits: {swap: 1Mi}", "1:16: /limits/swap: \"1Mi\": needs memory beside it"},
        {"limits: {memory: 9223372036854775807, swap: 1}",
         "1:45: /limits/swap: \"1\": is too much with the memory"},
        {"limits: {hugepages: {3: 1}}",
         "1:22: /limits/hugepages: \"3\": not a page size, such as 2Mi or 1Gi"},
        {"limits: {pids: -1}",
         "1:16: /limits/pids: \"-1\": must be a whole number from 0 to 9223372036854775807"},
        {"terminal: yes", "1:11: /terminal: \"yes\": must be true or false"},
        {"hostname: [a]", "1:11: /hostname: a list: must be a string"},
        {"hostname:", "1:10: /hostname: null: must be a string"},
        {"command: {a: b}", "1:10: /command: a map: must be a list of words, or one string"},
        {"command: sh -c 'a", "1:10: /command: \"sh -c 'a\": a quote or a backslash stays open"},
        {"command: ''", "1:10: /command: \"\": must have a word"},
        {"env: [A]", "1:7: /env/0: \"A\": must be NAME=VALUE"},
        {"env: {A=B: c}", "1:12: /env/A=B: \"c\": a name may not have \"=\" in it, nor be empty"},
        {"env: x", "1:6: /env: \"x\": must be a map, or a list of NAME=VALUE"},
        {"user: bob",
         "1:7: /user: \"bob\": must be UID, UID:GID, or a map of uid, gid, groups and umask; in numbers"},
        {"user: {uid: 4294967295}",
         "1:13: /user/uid: \"4294967295\": must be a whole number from 0 to 4294967294"},
        {"user: {umask: 9}", "1:15: /user/umask: \"9\": must be octal digits, such as 0640"},
        {"capabilities: x", "1:15: /capabilities: \"x\": must be a list, or a map of add, drop and sets"},
        {"mounts: [a]",
         "1:10: /mounts/0: \"a\": must be SOURCE:DESTINATION or SOURCE:DESTINATION:OPTIONS, or a map"},
        {"mounts: [{type: tmpfs}]", "1:10: /mounts/0: a map: destination is required"},
        {"mounts: [{destination: /a, type: bind, source: b, size: 1}]",
         "1:57: /mounts/0/size: \"1\": only a tmpfs has a size"},
        {"layers: []", "1:9: /layers: a list: must have a layer"},
        {"layers: ['/a:/b']", "1:10: /layers/0: \"/a:/b\": a layer's path may not have \":\" in it"},
        {"layers: {size: 1m}", "1:9: /layers: a map: lower is required"},
        {"namespaces: {network: x}",
         "1:23: /namespaces/network: \"x\": must be private, host, or the absolute path of a namespace"},
        {"uidMappings: ['0:1']",
         "1:15: /uidMappings/0: \"0:1\": must be CONTAINERID:HOSTID:SIZE, in numbers"},
        {"deviceRules: [c 1 r]",
         "1:15: /deviceRules/0: \"c 1 r\": must be TYPE MAJOR:MINOR ACCESS, such as \"c 1:* rm\", or deny "
         "and that"},
        {"hooks: {poststop: ['']}", "1:20: /hooks/poststop/0: \"\": must have a word"},
        {"hooks: {postop: []}", "1:9: /hooks/postop: unknown key, did you mean \"poststop\"?"},
        {"seccomp: strict",
         "1:10: /seccomp: \"strict\": must be default, unconfined, or a path with a \"/\" in it"},
        {"config: {x: .inf}", "1:13: /config/x: \".inf\": a number that JSON cannot say"},
        {"config: {x: 99999999999999999999}",
         "1:13: /config/x: \"99999999999999999999\": a number that JSON cannot say"},
    };
    for (const auto& [text, reason] : cases) EXPECT_EQ(at(text, ""), cat("t.yaml:", reason)) << text;
}

// What a check of config.json finds stands at the key that wrote it, with the pointer of config.json.
TEST(ShortFormErrors, of_config_json_have_a_place) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"hostname: a\ncwd: tmp", "2:6: /process/cwd: "},
        {"env:\n  A: b\n  ociVersion: c\nconfig:\n  ociVersion: 2.0.0", "5:15: /ociVersion: \"2.0.0\": "},
        {"hooks:\n  poststop:\n    - a b", "3:7: /hooks/poststop/0"},
        {"scheduler:\n  policy: SCHED_X", "2:11: /process/scheduler/policy: \"SCHED_X\": "},
        {"config:\n  process:\n    user:\n      uid: -1", "4:12: /process/user/uid: -1: "},
        {"devices:\n  - {path: /dev/x, type: q}", "2:26: /linux/devices/0/type: \"q\": "},
    };
    for (const auto& [text, reason] : cases)
        EXPECT_TRUE(at(text, "").starts_with(cat("t.yaml:", reason))) << text << "\n" << at(text, "");
}

// Every beginning of a form and every change of one byte: a document or an error with a place.
TEST(ShortFormErrors, neither_crash_nor_hang) {
    const std::string good =
        "command: sh -c 'a'\nlimits: {memory: 1Mi, cpus: .5}\nmounts: [a:/b:ro]\nuser: 1:2\n"
        "rlimits: {core: '0:1'}\nhooks: {poststop: [/a]}\n";
    for (std::size_t length = 0; length <= good.size(); ++length) (void)at(good.substr(0, length), "");
    for (std::size_t place = 0; place < good.size(); ++place)
        for (const char byte : std::string_view("\0 \n:-[]{}'\"#&*!|>0aZ\x7f\xc3", 22)) {
            std::string changed = good;
            changed[place] = byte;
            const auto document = compiled(changed);
            EXPECT_TRUE(document || document.error().text.starts_with("t.yaml:")) << document.error().text;
        }
}

}  // namespace
}  // namespace bulkhead::spec::short_form
