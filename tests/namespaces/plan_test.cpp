// SPDX-License-Identifier: Apache-2.0
#include "namespaces/plan.hpp"

#include <linux/sched.h>

#include "support/planning.hpp"

namespace bulkhead::namespaces {
namespace {

using spec::NamespaceType;
using test::Lines;

struct Kind {
    std::string_view word;
    NamespaceType type;
    std::uint64_t flag;
};
// Those that clone3 makes where nothing speaks against it; the mount namespace is always there.
constexpr Kind kinds[] = {
    {"pid", NamespaceType::pid, CLONE_NEWPID}, {"network", NamespaceType::network, CLONE_NEWNET},
    {"ipc", NamespaceType::ipc, CLONE_NEWIPC}, {"uts", NamespaceType::uts, CLONE_NEWUTS},
    {"cgroup", NamespaceType::cgroup, 0},
};

plan::HostFacts root() { return {.kernel_major = 6, .kernel_minor = 3}; }
plan::HostFacts user() {
    return {.kernel_major = 6, .kernel_minor = 3, .uid = 1000, .gid = 1001, .privileged = false};
}

constexpr const char* full_maps = R"("uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
                                     "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}])";
constexpr const char* own_maps = R"("uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}],
                                    "gidMappings": [{"containerID": 0, "hostID": 1001, "size": 1}])";

// A spec with these namespaces beside "mount" and these members of "linux".
spec::ValidSpec spec_of(const std::string& namespaces, const std::string& members = "") {
    return test::spec_with(cat(R"({"linux": {)", members, members.empty() ? "" : ", ",
                               R"("namespaces": [{"type": "mount"})", namespaces.empty() ? "" : ", ",
                               namespaces, "]}}"));
}

spec::ValidSpec user_spec(const std::string& maps, const std::string& more = "") {
    return spec_of(cat(R"({"type": "user"})", more), maps);
}

// The host's lane up to the program, without the search for it.
Result<plan::Timeline> timeline_of(const spec::ValidSpec& spec, const plan::HostFacts& host) {
    plan::TimelineBuilder builder;
    const Joins joins = plan_joins(builder, spec);
    TRY(plan_spawn(builder, spec, host, joins, false));
    TRY(plan_preparation(builder, spec, host, false));
    plan_entry(builder, spec, host, joins);
    TRY(plan_network(builder, spec, host, joins));
    builder.init(plan::Execute{});
    return std::move(builder).finish();
}

Lines lines(const spec::ValidSpec& spec, const plan::HostFacts& host = root()) {
    const auto timeline = timeline_of(spec, host);
    if (!timeline) return {timeline.error().text};
    Lines all = test::lines_of(*timeline);
    all.pop_back();
    return all;
}

plan::Spawn spawn_of(const spec::ValidSpec& spec, const plan::HostFacts& host = root()) {
    const auto timeline = timeline_of(spec, host);
    if (timeline)
        for (const plan::Step& step : timeline->steps())
            if (const auto* op = std::get_if<plan::HostOp>(&step.op))
                if (const auto* spawn = std::get_if<plan::Spawn>(op)) return *spawn;
    ADD_FAILURE() << "no SPAWN";
    return {};
}

TEST(CloneFlags, OfEveryCombination) {
    for (unsigned choice = 0; choice < 1u << std::size(kinds); ++choice) {
        std::string list;
        std::uint64_t flags = CLONE_NEWNS;
        for (unsigned i = 0; i < std::size(kinds); ++i) {
            if ((choice >> i & 1) == 0) continue;
            list.append(cat(list.empty() ? "" : ", ", R"({"type": ")", kinds[i].word, R"("})"));
            flags |= kinds[i].flag;
        }
        const spec::ValidSpec spec = spec_of(list);
        for (unsigned i = 0; i < std::size(kinds); ++i)
            EXPECT_EQ(is_new(spec, kinds[i].type), (choice >> i & 1) != 0) << choice << ' ' << kinds[i].word;
        EXPECT_EQ(spawn_of(spec).namespaces, flags) << choice;
        EXPECT_FALSE(is_new(spec, NamespaceType::user) || is_new(spec, NamespaceType::time));
    }
}

TEST(Entry, MakesTheCgroupNamespaceByUnshareAndRaisesLo) {
    EXPECT_EQ(lines(spec_of(R"({"type": "network"}, {"type": "cgroup"})")),
              (Lines{"host spawn the stage in the cgroup, new namespaces: mount,network (/linux/namespaces)",
                     "init unshare_namespaces cgroup (/linux/namespaces/2)",
                     "init raise_loopback lo (/linux/namespaces/1)"}));
}

TEST(Entry, WithoutThemDoesNothing) { EXPECT_EQ(lines(spec_of("")).size(), 1u); }

TEST(UserNamespace, OfRootIsMappedByItself) {
    EXPECT_EQ(lines(user_spec(full_maps)),
              (Lines{"host spawn the stage in the cgroup, new namespaces: mount,user (/linux/namespaces)",
                     "host write_id_maps users 0 100000 65536; groups 0 100000 65536; (/linux/uidMappings)",
                     "host send_prepared to the child (/linux/namespaces)"}));
    const plan::Spawn spawn = spawn_of(user_spec(full_maps));
    EXPECT_TRUE(spawn.awaits_preparation);
    ASSERT_TRUE(spawn.ids);
    EXPECT_EQ(spawn.ids->uid, 0u);
}

// /dev/mqueue belongs to whom the ids were when the ipc namespace was made.
TEST(UserNamespace, MakesTheIpcNamespaceAfterTheMaps) {
    const spec::ValidSpec spec = user_spec(full_maps, R"(, {"type": "ipc"})");
    EXPECT_EQ(spawn_of(spec).namespaces, CLONE_NEWNS | CLONE_NEWUSER);
    EXPECT_EQ(lines(spec).back(), "init unshare_namespaces ipc (/linux/namespaces/2)");
}

TEST(UserNamespace, OfOneOwnIdDeniesGroups) {
    const auto map = lines(user_spec(own_maps), user()).at(1);
    EXPECT_EQ(map,
              "host write_id_maps users 0 1000 1; groups 0 1001 1;, setgroups denied (/linux/uidMappings)");
    EXPECT_TRUE(denies_groups(user_spec(own_maps), user()));
    EXPECT_FALSE(denies_groups(user_spec(own_maps), root()));
}

TEST(UserNamespace, OfRangesIsMappedByTheHelpers) {
    const auto map = lines(user_spec(full_maps), user()).at(1);
    EXPECT_EQ(map,
              "host write_id_maps users 0 100000 65536; groups 0 100000 65536; by newuidmap and newgidmap "
              "(/linux/uidMappings)");
    EXPECT_FALSE(denies_groups(user_spec(full_maps), user()));
}

TEST(UserNamespace, InheritsThatGroupsAreDenied) {
    plan::HostFacts nested = root();
    nested.groups_denied = true;
    EXPECT_TRUE(denies_groups(user_spec(full_maps), nested));
    EXPECT_TRUE(denies_groups(spec_of(""), nested));
}

TEST(UserNamespace, WithoutUser0IsEnteredAsTheFirst) {
    const spec::ValidSpec spec = test::spec_with(R"({"process": {"user": {"uid": 7, "gid": 8}}, "linux": {
        "namespaces": [{"type": "mount"}, {"type": "user"}],
        "uidMappings": [{"containerID": 7, "hostID": 100000, "size": 2}],
        "gidMappings": [{"containerID": 8, "hostID": 100000, "size": 2}]}})");
    const plan::Spawn spawn = spawn_of(spec);
    ASSERT_TRUE(spawn.ids);
    EXPECT_EQ(spawn.ids->uid, 7u);
    EXPECT_EQ(spawn.ids->gid, 8u);
}

TEST(UserNamespace, IsWhatACallerWithoutPrivilegesNeeds) {
    EXPECT_EQ(lines(spec_of(""), user()).front(),
              "config.json: /linux/namespaces: rootless container requires user namespaces");
}

// ---- joins

// Entries of linux.namespaces: "pid" new, "pid=/p" joined; "mount" is always there.
std::string entries(const std::vector<std::string_view>& words) {
    std::string list;
    for (const std::string_view word : words) {
        const std::size_t equals = word.find('=');
        list.append(cat(list.empty() ? "" : ", ", R"({"type": ")", word.substr(0, equals), '"'));
        if (equals != word.npos) list.append(cat(R"(, "path": ")", word.substr(equals + 1), '"'));
        list.append("}");
    }
    return list;
}

// The verbs that contain one of these words, without lane and property.
Lines about(const Lines& all, const std::vector<std::string_view>& verbs) {
    Lines found;
    for (const std::string& line : all)
        for (const std::string_view verb : verbs)
            if (line.substr(5).starts_with(verb)) found.push_back(line.substr(5, line.find(" (/") - 5));
    return found;
}
Lines entering(const spec::ValidSpec& spec, const plan::HostFacts& host = root()) {
    return about(lines(spec, host),
                 {"join_namespace", "set_groups", "assume_ids", "unshare_namespaces", "respawn"});
}

const std::string every_join =
    entries({"time=/t", "user=/u", "uts=/h", "cgroup=/c", "ipc=/i", "network=/n", "pid=/p"});

TEST(Joins, AreOpenedByTheHostInTheOrderOfTheConfig) {
    const Lines all = lines(spec_of(entries({"uts=/h", "network=/n"})));
    EXPECT_EQ(all.at(0), "host open_namespace uts /h (/linux/namespaces/1/path)");
    EXPECT_EQ(all.at(1), "host open_namespace network /n (/linux/namespaces/2/path)");
    EXPECT_TRUE(all.at(2).starts_with("host spawn"));
}

TEST(Joins, OfTheStageEndInTheUserNamespaceWhereThereArePrivileges) {
    EXPECT_EQ(
        entering(spec_of(every_join)),
        (Lines{"join_namespace pid", "join_namespace network", "join_namespace ipc", "join_namespace uts",
               "join_namespace cgroup", "join_namespace time", "set_groups none", "join_namespace user",
               "assume_ids user 0 group 0 of the user namespace", "unshare_namespaces mount"}));
}

TEST(Joins, OfTheStageBeginInTheUserNamespaceWhereThereAreNone) {
    const Lines all = entering(spec_of(every_join), user());
    EXPECT_EQ(all.at(0), "join_namespace user") << "outside there is no right to drop groups either";
    EXPECT_EQ(all.at(1), "join_namespace pid");
}

TEST(Joins, OfAContainerWithANewUserNamespaceAreTheHosts) {
    const spec::ValidSpec spec = user_spec(full_maps, cat(", ", entries({"network=/n", "pid=/p"})));
    const plan::Spawn spawn = spawn_of(spec);
    ASSERT_EQ(spawn.inherited.size(), 2u);
    EXPECT_EQ(spawn.inherited[0].flag, CLONE_NEWNET);
    EXPECT_EQ(spawn.inherited[0].file.index, 0);
    EXPECT_EQ(spawn.inherited[1].flag, CLONE_NEWPID);
    EXPECT_EQ(spawn.inherited[1].file.index, 1);
    EXPECT_EQ(entering(spec), Lines{});
}

// Made by clone3 they would belong to the user namespace outside.
TEST(Joins, OfAUserNamespaceLeaveEverythingNewToTheStage) {
    const spec::ValidSpec spec = spec_of(entries({"user=/u", "pid", "network", "ipc", "uts", "cgroup"}));
    EXPECT_EQ(spawn_of(spec).namespaces, 0u);
    EXPECT_TRUE(spawn_of(spec).awaits_preparation);
    EXPECT_FALSE(spawn_of(spec).ids);
    EXPECT_EQ(
        entering(spec),
        (Lines{"set_groups none", "join_namespace user", "assume_ids user 0 group 0 of the user namespace",
               "unshare_namespaces pid", "unshare_namespaces network", "unshare_namespaces mount",
               "unshare_namespaces ipc", "unshare_namespaces uts", "unshare_namespaces cgroup",
               "respawn as a child that the namespaces hold"}));
}

TEST(Joins, OfTheHostsOwnNamespacesAreRefusedWhereItWouldBeChanged) {
    const auto refusals = [](const spec::ValidSpec& spec) {
        plan::TimelineBuilder builder;
        (void)plan_joins(builder, spec);
        Lines all;
        const plan::Timeline timeline = test::finished(std::move(builder));
        for (const plan::Step& step : timeline.steps())
            all.push_back(std::get<plan::OpenNamespace>(std::get<plan::HostOp>(step.op)).refused_as_own);
        return all;
    };
    EXPECT_EQ(refusals(spec_of(entries({"network=/n"}))), Lines{""});
    EXPECT_EQ(refusals(spec_of(entries({"network=/n"}), R"("sysctl": {"net.core.somaxconn": "7"})")),
              Lines{"sysctl \"net.core.somaxconn\" not allowed in host network namespace"});
    EXPECT_EQ(refusals(test::spec_with(R"({"linux": {"namespaces": [{"type": "mount", "path": "/m"}]}})")),
              Lines{"the root would be changed for the host itself"});
}

// ---- where the process is born

TEST(Birth, IsAtSpawnUnlessAPidNamespaceComesLater) {
    EXPECT_EQ(birth_of(spec_of(""), root()), Birth::at_spawn);
    EXPECT_EQ(birth_of(spec_of(entries({"pid"})), root()), Birth::at_spawn);
    EXPECT_EQ(birth_of(user_spec(full_maps, cat(", ", entries({"pid=/p"}))), root()), Birth::at_spawn);
    EXPECT_EQ(birth_of(spec_of(entries({"user=/u"})), root()), Birth::at_spawn);
}

TEST(Birth, IsEarlyInWhatTheStageMakes) {
    EXPECT_EQ(birth_of(spec_of(entries({"user=/u", "pid"})), root()), Birth::early);
    const Lines all = lines(spec_of(entries({"user=/u", "pid"})));
    EXPECT_EQ(about(all, {"respawn", "await_respawn"}),
              (Lines{"respawn as a child that the namespaces hold", "await_respawn the copy's pid"}));
}

TEST(Birth, IsLateAmongInhabitants) {
    EXPECT_EQ(birth_of(spec_of(entries({"pid=/p"})), root()), Birth::late);
    EXPECT_EQ(birth_of(spec_of(entries({"user=/u", "pid=/p"})), root()), Birth::late);
    EXPECT_EQ(about(lines(spec_of(entries({"pid=/p"}))), {"respawn"}), Lines{}) << "it is not this room's";
}

// ---- clocks

plan::HostFacts before_6_3() {
    plan::HostFacts facts = root();
    facts.kernel_minor = 2;
    return facts;
}

TEST(Clocks, AreSetBetweenTheirNamespaceAndTheFirstProcessInIt) {
    const spec::ValidSpec spec =
        spec_of(entries({"time"}), R"("timeOffsets": {"monotonic": {"secs": 7, "nanosecs": 8},
                                                     "boottime": {"secs": -1}})");
    const Lines all =
        about(lines(spec), {"unshare_namespaces", "open_procfs", "set_time_offsets", "respawn"});
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0], "unshare_namespaces time");
    EXPECT_EQ(all[1], "open_procfs the host's");
    EXPECT_NE(all[2].find("monotonic 7 8;"), std::string::npos) << all[2];
    EXPECT_NE(all[2].find("boottime -1 0;"), std::string::npos) << all[2];
}

// From 6.3 on execve enters a time namespace; before, only a child is in it.
TEST(Clocks, NeedARespawnBefore6_3) {
    const spec::ValidSpec spec = spec_of(entries({"time"}));
    EXPECT_EQ(birth_of(spec, root()), Birth::at_spawn);
    EXPECT_EQ(birth_of(spec, before_6_3()), Birth::early);
    EXPECT_EQ(birth_of(spec_of(entries({"time=/t"})), before_6_3()), Birth::at_spawn);
}

TEST(Clocks, LeaveThePidNamespaceToTheStageBefore6_3) {
    const spec::ValidSpec spec = spec_of(entries({"time", "pid"}));
    EXPECT_EQ(spawn_of(spec).namespaces, CLONE_NEWNS | CLONE_NEWPID);
    EXPECT_EQ(spawn_of(spec, before_6_3()).namespaces, CLONE_NEWNS) << "the copy has to be its first process";
    EXPECT_EQ(entering(spec, before_6_3()), (Lines{"unshare_namespaces pid", "unshare_namespaces time",
                                                   "respawn as a child that the namespaces hold"}));
}

// ---- the network

TEST(Loopback, IsRaisedInANewNamespaceOnly) {
    EXPECT_EQ(about(lines(spec_of(entries({"network"}))), {"raise"}), Lines{"raise_loopback lo"});
    EXPECT_EQ(about(lines(spec_of(entries({"network=/n"}))), {"raise"}), Lines{});
    EXPECT_EQ(about(lines(spec_of("")), {"raise"}), Lines{});
}

TEST(NetDevices, GoInBehindSpawnUnderTheirNames) {
    const spec::ValidSpec spec =
        spec_of(R"({"type": "network"})", R"("netDevices": {"eth1": {}, "eth2": {"name": "wan"}})");
    const Lines all = lines(spec);
    EXPECT_EQ(all[all.size() - 2], "host move_net_device eth1 as eth1 (/linux/netDevices/eth1)");
    EXPECT_EQ(all[all.size() - 1], "host move_net_device eth2 as wan (/linux/netDevices/eth2)");
}

// A parameter may be one of the device (net.ipv4.conf.wan.forwarding), which the host moves meanwhile.
TEST(NetDevices, AreThereBeforeTheirParametersAreWritten) {
    const auto last = [](const std::string& sysctl) {
        const spec::ValidSpec spec =
            spec_of(R"({"type": "network"})", cat(R"("netDevices": {"eth1": {}}, "sysctl": {)", sysctl, "}"));
        const Lines all = lines(spec);
        return Lines{all[all.size() - 2], all[all.size() - 1]};
    };
    const Lines meeting{"host send_go to the stage (/linux/netDevices)",
                        "init await_go from the host (/linux/netDevices)"};
    EXPECT_EQ(last(R"("net.ipv4.conf.eth1.forwarding": "1")"), meeting);
    EXPECT_EQ(last(R"("net/ipv4/conf/eth1/forwarding": "1")"), meeting);
    EXPECT_EQ(last("").back(), "host move_net_device eth1 as eth1 (/linux/netDevices/eth1)");
}

TEST(NetDevices, AreRefusedWithoutPrivileges) {
    const spec::ValidSpec spec =
        user_spec(cat(own_maps, R"(, "netDevices": {"eth1": {}})"), R"(, {"type": "network"})");
    EXPECT_EQ(lines(spec, user()).front(),
              "config.json: /linux/netDevices: network devices are not supported for rootless containers");
}

// ---- entering a container that is there ------------------------------------------------------------------

Lines entry(const spec::ValidSpec& spec, const plan::HostFacts& host, bool unborn = false) {
    plan::TimelineBuilder timeline;
    plan::FindInit init{timeline.slot()};
    init.of_children = namespaces_of_children(timeline, spec, unborn);
    timeline.host(init);
    timeline.host(plan::Spawn{0});
    plan_container_entry(timeline, spec, host, init, types_of(spec));
    timeline.init(plan::Execute{});
    Lines all = test::lines_of(test::finished(std::move(timeline)));
    return {all.begin() + 2, all.end() - 1};
}

TEST(ContainerEntry, IsOneStep) {
    EXPECT_EQ(entry(spec_of(R"({"type": "pid"}, {"type": "uts"})"), root()),
              Lines{"init join_container all of mount,uts,pid (/linux/namespaces)"});
}

TEST(ContainerEntry, IntoAUserNamespaceLosesGroupsAndTakesItsIds) {
    const spec::ValidSpec spec = spec_of(R"({"type": "user"})", full_maps);
    const Lines expected{"init set_groups none (/linux/namespaces)",
                         "init join_container all of mount,user (/linux/namespaces)",
                         "init assume_ids user 0 group 0 of the user namespace (/linux/namespaces)"};
    EXPECT_EQ(entry(spec, root()), expected);
    EXPECT_EQ(entry(spec, user()), Lines(expected.begin() + 1, expected.end()))
        << "which may not drop groups";
}

// Init's own are not those that its program will be in.
TEST(ContainerEntry, TakesTheClocksAndPidsOfInitsChildren) {
    const spec::ValidSpec clocks = spec_of(R"({"type": "time"})");
    EXPECT_EQ(entry(clocks, root()), (Lines{"init join_namespace time (/linux/namespaces)",
                                            "init join_container all of mount (/linux/namespaces)"}));
    EXPECT_EQ(entry(clocks, user()), (Lines{"init join_container all of mount (/linux/namespaces)",
                                            "init join_namespace time (/linux/namespaces)"}));
    const spec::ValidSpec pids = spec_of(R"({"type": "pid", "path": "/p"})");
    EXPECT_EQ(entry(pids, root(), true), (Lines{"init join_namespace pid (/linux/namespaces)",
                                                "init join_container all of mount (/linux/namespaces)"}));
}

TEST(Names, AreSetWhereGiven) {
    const std::string uts = R"("linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}]})";
    const auto named = [&](const std::string& names) {
        const spec::ValidSpec spec = test::spec_with(cat("{", names, uts, "}"));
        return test::init_lines([&](auto& timeline) { plan_names(timeline, spec); });
    };
    EXPECT_EQ(named(""), Lines{});
    EXPECT_EQ(named(R"("hostname": "box", )"), Lines{"init set_hostname box (/hostname)"});
    EXPECT_EQ(named(R"("domainname": "yard", "hostname": "box", )"),
              (Lines{"init set_hostname box (/hostname)", "init set_domainname yard (/domainname)"}));
}

}  // namespace
}  // namespace bulkhead::namespaces
