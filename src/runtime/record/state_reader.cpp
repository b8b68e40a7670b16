// SPDX-License-Identifier: Apache-2.0
// state.json read back: whole and sound, or what is left of it. The reader trusts it no more than a
// config.json, with the same tables (spec/reader.hpp).
#include <algorithm>
#include <array>

#include "runtime/record/state.hpp"
#include "spec/reader.hpp"

namespace bulkhead::spec {

namespace {

using runtime::RdtRecord;
using runtime::State;
using runtime::UnitRecord;

constexpr auto read_flag = [](json::Value value) -> Result<bool> {
    LET(const int flag, (read_whole<int, 0, 1>(value)));
    return flag == 1;
};

constexpr auto read_absence = [](json::Value value) -> Result<bool> {
    LET(const bool flag, read_flag(value));
    return !flag;
};

constexpr auto read_pid = read_whole<pid_t, 0, std::numeric_limits<pid_t>::max()>;
static_assert(std::same_as<pid_t, int>);  // a descriptor is read as one

Result<> check_format(State&, json::Value value) {
    LET(const int format, read<int>(value));
    if (format == runtime::record_format) return {};
    return fail(Kind::unsupported, runtime::state_file, ": /format: ", format,
                ": written by another version");
}

}  // namespace

template <>
constexpr auto fields<sys::MountIdentity> = std::array{
    field<&sys::MountIdentity::number>("number", Need::required),
    field<&sys::MountIdentity::unique>("unique", Need::required),
};

template <>
constexpr auto fields<RdtRecord> = std::array{
    field<&RdtRecord::mount>("mount", Need::required),
    field<&RdtRecord::path>("path", Need::required),
    field<&RdtRecord::shared, read_flag>("shared", Need::required),
    field<&RdtRecord::inode>("inode", Need::required),
    field<&RdtRecord::monitoring>("monitoring", Need::required),
    field<&RdtRecord::monitoring_inode>("monitoringInode", Need::required),
};

template <>
constexpr auto fields<UnitRecord> = std::array{
    field<&UnitRecord::name>("unit", Need::required),
    field<&UnitRecord::invocation>("invocation", Need::required),
    field<&UnitRecord::addresses>("addresses", Need::required),
};

template <>
constexpr auto fields<State> = std::array{
    Field<State>{"format", check_format, Need::required},
    field<&State::id>("id", Need::required),
    field<&State::bundle>("bundle", Need::required),
    field<&State::rootfs>("rootfs", Need::required),
    field<&State::created>("created", Need::required),
    field<&State::cgroup_mount>("cgroupMount", Need::required),
    field<&State::cgroup_path>("cgroupPath", Need::required),
    field<&State::cgroup_inode>("cgroupInode", Need::required),
    field<&State::kept_cgroups>("keptCgroups"),
    field<&State::private_pids, read_flag>("privatePids", Need::required),
    field<&State::new_keyring, read_flag>("newKeyring", Need::required),
    field<&State::cgroup_optional, read_flag>("cgroupOptional", Need::required),
    field<&State::uid_map>("uidMap", Need::required),
    field<&State::gid_map>("gidMap", Need::required),
    field<&State::later_hooks, read_flag>("laterHooks", Need::required),
    field<&State::root_mount>("rootMount"),
    field<&State::has_program, read_absence>("noProgram"),
    field<&State::rdt>("intelRdt"),
    field<&State::unit>("systemd"),
    field<&State::notify_descriptor, read_pid>("notifyDescriptor"),
    field<&State::pid, read_pid>("pid", Need::required),
    field<&State::start_time>("startTime", Need::required),
    field<&State::pidfd_inode>("pidfdInode", Need::required),
    field<&State::annotations>("annotations", Need::required),
};

}  // namespace bulkhead::spec

namespace bulkhead::runtime {

namespace {

constexpr auto& properties = spec::fields<State>;

Result<> take(State& state, json::Value member) {
    const auto property = std::ranges::find(properties, member.key(), &spec::Field<State>::name);
    if (property == properties.end()) return member.refuse("is not known here");
    return property->set(state, member);
}

// Where whole text is no JSON any more its lines may be. Those of annotations stand deeper, so whatever is in
// them cannot look like one of ours; one without its comma may have been cut off in the middle of a number.
bool is_line_of_property(std::string_view line) { return line.starts_with("  \"") && line.ends_with(','); }

class Rescue {
  public:
    void member(json::Value member) {
        const bool taken = take(remains_.state, member).has_value();
        const std::string_view key = taken ? member.key() : std::string_view();
        const bool behind_inode = last_ == "cgroupInode";
        if (behind_inode) remains_.tells_kept_cgroups = key == "keptCgroups" || key == "privatePids";
        last_ = key;
    }
    void line(std::string_view line) {
        const auto tree = json::read(cat('{', line.substr(0, line.size() - 1), '}'), state_file);
        if (!tree) last_ = {};
        if (!tree) return;
        for (const json::Value each : json::root(*tree).children()) member(each);
    }
    void lost_line() { last_ = {}; }
    Remains remains() && { return std::move(remains_); }

  private:
    Remains remains_;
    std::string last_;  // name of the property before; empty: it cannot be read
};

}  // namespace

Result<State> deserialize(std::string_view text) {
    LET(const json::Tree tree, json::read(text, state_file));
    const json::Value root = json::root(tree);
    if (!root.is(json::Type::object)) return root.refuse("must be an object");
    State state;
    // First: another version may know more names.
    if (const auto format = root.find("format")) TRY(take(state, *format));
    std::vector<std::string_view> given;
    for (const json::Value member : root.children()) {
        TRY(take(state, member));
        given.push_back(member.key());
    }
    for (const spec::Field<State>& property : properties)
        if (property.need == spec::Need::required && std::ranges::count(given, property.name) == 0)
            return root.lacks(property.name);
    return state;
}

Remains remains_of(std::string_view text) {
    Rescue rescue;
    const auto tree = json::read(text, state_file);
    if (tree) {
        for (const json::Value each : json::root(*tree).children()) rescue.member(each);
        return std::move(rescue).remains();
    }
    for (const std::string_view line : split(text, '\n'))
        if (is_line_of_property(line))
            rescue.line(line);
        else
            rescue.lost_line();
    return std::move(rescue).remains();
}

}  // namespace bulkhead::runtime
