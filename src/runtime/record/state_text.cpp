// SPDX-License-Identifier: Apache-2.0
// state.json as text: one table of its properties, by which it is written and read back. The reader checks it
// like a config.json, and keeps what is left of a damaged one.
#include <algorithm>
#include <array>

#include "base/json_writer.hpp"
#include "runtime/record/state.hpp"
#include "spec/reader.hpp"

namespace bulkhead::runtime {

namespace {

using spec::Need;
using Style = JsonWriter::Style;

// A property of the object that an Owner is made of: spec::Field reads it, `write` appends it, or nothing if
// it is optional and has its default.
template <class Owner>
struct Property : spec::Field<Owner> {
    void (*write)(JsonWriter& writer, std::string_view name, const Owner& owner);
};

template <class Owner>
constexpr auto properties = nullptr;

template <class Owner>
void write_object(JsonWriter& writer, Style style, const Owner& owner) {
    writer.object(style);
    for (const Property<Owner>& each : properties<Owner>) each.write(writer, each.name, owner);
    writer.end();
}

template <class Value>
void write_value(JsonWriter& writer, const Value& value) {
    if constexpr (requires { writer.value(value); })
        writer.value(value);
    else
        write_object(writer, Style::spaced, value);
}
template <class Item>
void write_value(JsonWriter& writer, const std::vector<Item>& list) {
    writer.array(Style::spaced);
    for (const Item& each : list) writer.value(each);
    writer.end();
}
void write_value(JsonWriter& writer, const std::map<std::string, std::string>& map) {
    writer.object(Style::lines);
    for (const auto& [key, value] : map) writer.member(key, value);
    writer.end();
}

bool is_absent(const std::vector<std::uint64_t>& list) { return list.empty(); }
bool is_absent(const sys::MountIdentity& mount) { return mount.number == 0; }
bool is_absent(const RdtRecord& rdt) { return rdt.mount.empty(); }
bool is_absent(const UnitRecord& unit) { return unit.name.empty(); }
bool is_absent(int descriptor) { return descriptor == 0; }

template <auto member, auto reader = spec::read<decltype(spec::member_of(member))>>
constexpr auto required(std::string_view name) {
    using Owner = decltype(spec::owner_of(member));
    const auto write = [](JsonWriter& writer, std::string_view key, const Owner& owner) {
        writer.key(key);
        write_value(writer, owner.*member);
    };
    return Property<Owner>{spec::field<member, reader>(name, Need::required), write};
}

template <auto member, auto reader = spec::read<decltype(spec::member_of(member))>>
constexpr auto optional(std::string_view name) {
    using Owner = decltype(spec::owner_of(member));
    const auto write = [](JsonWriter& writer, std::string_view key, const Owner& owner) {
        if (is_absent(owner.*member)) return;
        writer.key(key);
        write_value(writer, owner.*member);
    };
    return Property<Owner>{spec::field<member, reader>(name), write};
}

// true and false; a record of format 2 has 1 and 0.
constexpr auto read_flag = [](json::Value value) -> Result<bool> {
    if (value.is(json::Type::boolean)) return value.boolean();
    LET(const int flag, (spec::read_whole<int, 0, 1>(value)));
    return flag == 1;
};

constexpr auto read_pid = spec::read_whole<pid_t, 0, std::numeric_limits<pid_t>::max()>;
static_assert(std::same_as<pid_t, int>);  // a descriptor is read as one

Result<> check_format(State&, json::Value value) {
    LET(const int format, spec::read<int>(value));
    if (format == record_format || format == record_format_before) return {};
    return fail(Kind::unsupported, state_file, ": /format: ", format, ": written by another version");
}

void write_format(JsonWriter& writer, std::string_view name, const State&) {
    writer.member(name, record_format);
}

// "noProgram": true, and nothing if there is one.
Result<> read_absence(State& state, json::Value value) {
    LET(const bool absent, read_flag(value));
    state.has_program = !absent;
    return {};
}

void write_absence(JsonWriter& writer, std::string_view name, const State& state) {
    if (!state.has_program) writer.member(name, true);
}

template <>
constexpr auto properties<sys::MountIdentity> = std::array{
    required<&sys::MountIdentity::number>("number"),
    required<&sys::MountIdentity::unique>("unique"),
};

template <>
constexpr auto properties<RdtRecord> = std::array{
    required<&RdtRecord::mount>("mount"),
    required<&RdtRecord::path>("path"),
    required<&RdtRecord::shared, read_flag>("shared"),
    required<&RdtRecord::inode>("inode"),
    required<&RdtRecord::monitoring>("monitoring"),
    required<&RdtRecord::monitoring_inode>("monitoringInode"),
};

template <>
constexpr auto properties<UnitRecord> = std::array{
    required<&UnitRecord::name>("unit"),
    required<&UnitRecord::invocation>("invocation"),
    required<&UnitRecord::addresses>("addresses"),
};

// The reader's table of what is an object within the record.
template <class Owner>
Result<Owner> read_object(json::Value value) {
    static constexpr auto fields = [] {
        std::array<spec::Field<Owner>, properties<Owner>.size()> all{};
        std::ranges::copy(properties<Owner>, all.begin());
        return all;
    }();
    return spec::read_by<Owner>(value, fields);
}

template <>
constexpr auto properties<State> = std::array{
    Property<State>{{"format", check_format, Need::required}, write_format},
    required<&State::id>("id"),
    required<&State::bundle>("bundle"),
    required<&State::rootfs>("rootfs"),
    required<&State::created>("created"),
    required<&State::cgroup_mount>("cgroupMount"),
    required<&State::cgroup_path>("cgroupPath"),
    required<&State::cgroup_inode>("cgroupInode"),
    optional<&State::kept_cgroups>("keptCgroups"),
    required<&State::private_pids, read_flag>("privatePids"),
    required<&State::new_keyring, read_flag>("newKeyring"),
    required<&State::cgroup_optional, read_flag>("cgroupOptional"),
    required<&State::uid_map>("uidMap"),
    required<&State::gid_map>("gidMap"),
    required<&State::later_hooks, read_flag>("laterHooks"),
    optional<&State::root_mount, read_object<sys::MountIdentity>>("rootMount"),
    Property<State>{{"noProgram", read_absence}, write_absence},
    optional<&State::rdt, read_object<RdtRecord>>("intelRdt"),
    optional<&State::unit, read_object<UnitRecord>>("systemd"),
    optional<&State::notify_descriptor, read_pid>("notifyDescriptor"),
    required<&State::pid, read_pid>("pid"),
    required<&State::start_time>("startTime"),
    required<&State::pidfd_inode>("pidfdInode"),
    required<&State::annotations>("annotations"),
};

Result<> take(State& state, json::Value member) {
    const auto property = std::ranges::find(properties<State>, member.key(), &Property<State>::name);
    if (property == properties<State>.end()) return member.refuse("is not known here");
    return property->set(state, member);
}

// If the whole text is no JSON any more, its lines may be. Lines of annotations are indented more, so no
// annotation can look like a property. A line without its comma may have been cut off in the middle of a
// number.
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

std::string serialize(const State& state) {
    JsonWriter writer;
    write_object(writer, Style::lines, state);
    return std::move(writer).text() + "\n";
}

Result<State> deserialize(std::string_view text) {
    LET(const json::Tree tree, json::read(text, state_file));
    const json::Value root = json::root(tree);
    if (!root.is(json::Type::object)) return root.refuse("must be an object");
    State state;
    // The format comes first, because another version may have more names.
    if (const auto format = root.find("format")) TRY(take(state, *format));
    std::vector<std::string_view> given;
    for (const json::Value member : root.children()) {
        TRY(take(state, member));
        given.push_back(member.key());
    }
    for (const Property<State>& property : properties<State>)
        if (property.need == Need::required && std::ranges::count(given, property.name) == 0)
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
