// SPDX-License-Identifier: Apache-2.0
#include "runtime/state.hpp"

#include <fcntl.h>

#include <limits>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "spec/json.hpp"

namespace bulkhead::runtime {

namespace {

constexpr int format_version = 2;
constexpr std::size_t size_limit = 4 << 20;
constexpr mode_t private_mode = 0600;  // the record names paths of the host

void append_string(std::string& text, std::string_view key, std::string_view value) {
    text.append(cat("  ", json_string(key), ": ", json_string(value), ",\n"));
}

template <class Number>
void append_number(std::string& text, std::string_view key, Number value) {
    text.append(cat("  ", json_string(key), ": ", value, ",\n"));
}

Result<std::string> string_of(json::Value object, std::string_view key) {
    const auto value = object.find(key);
    if (!value || !value->is(json::Type::string)) return object.lacks(key);
    return std::string(value->text());
}

// Only where there is one, as the next.
void append_root_mount(std::string& text, const sys::MountIdentity& mount) {
    if (mount.number == 0) return;
    text.append(cat("  \"rootMount\": {\"number\": ", mount.number, ", \"unique\": ", mount.unique, "},\n"));
}

void append_kept_cgroups(std::string& text, const std::vector<std::uint64_t>& inodes) {
    if (inodes.empty()) return;
    std::vector<std::string> shown;
    for (const std::uint64_t inode : inodes) shown.push_back(cat(inode));
    text.append(cat("  \"keptCgroups\": [", join(shown, ", "), "],\n"));
}

void append_rdt(std::string& text, const RdtRecord& rdt) {
    if (rdt.mount.empty()) return;
    text.append(cat("  \"intelRdt\": {\"mount\": ", json_string(rdt.mount),
                    ", \"path\": ", json_string(rdt.path), ", \"shared\": ", rdt.shared ? 1 : 0,
                    ", \"inode\": ", rdt.inode, ", \"monitoring\": ", json_string(rdt.monitoring),
                    ", \"monitoringInode\": ", rdt.monitoring_inode, "},\n"));
}

void append_unit(std::string& text, const UnitRecord& unit) {
    if (unit.name.empty()) return;
    text.append(cat("  \"systemd\": {\"unit\": ", json_string(unit.name),
                    ", \"invocation\": ", json_string(unit.invocation), ", \"addresses\": ["));
    for (std::string_view separator; const std::string& each : unit.addresses) {
        text.append(cat(separator, json_string(each)));
        separator = ", ";
    }
    text.append("]},\n");
}

Result<UnitRecord> unit_of(json::Value root) {
    UnitRecord unit;
    const auto record = root.find("systemd");
    if (!record) return unit;
    LET(unit.name, string_of(*record, "unit"));
    LET(unit.invocation, string_of(*record, "invocation"));
    if (const auto addresses = record->find("addresses"))
        for (const json::Value each : addresses->children()) unit.addresses.emplace_back(each.text());
    return unit;
}

template <class Number>
Result<Number> number_of(json::Value object, std::string_view key) {
    const auto value = object.find(key);
    const auto number =
        value ? value->whole<Number>(0, std::numeric_limits<Number>::max()) : std::optional<Number>();
    if (!number) return object.lacks(key);
    return *number;
}

Result<sys::MountIdentity> root_mount_of(json::Value root) {
    sys::MountIdentity mount;
    const auto record = root.find("rootMount");
    if (!record) return mount;
    LET(mount.number, number_of<std::uint64_t>(*record, "number"));
    LET(mount.unique, number_of<std::uint64_t>(*record, "unique"));
    return mount;
}

Result<std::vector<std::uint64_t>> kept_cgroups_of(json::Value root) {
    std::vector<std::uint64_t> inodes;
    const auto record = root.find("keptCgroups");
    if (!record) return inodes;
    for (const json::Value each : record->children()) {
        const auto inode = each.whole<std::uint64_t>(0, std::numeric_limits<std::uint64_t>::max());
        if (!inode) return root.lacks("keptCgroups");
        inodes.push_back(*inode);
    }
    return inodes;
}

Result<RdtRecord> rdt_of(json::Value root) {
    RdtRecord rdt;
    const auto record = root.find("intelRdt");
    if (!record) return rdt;
    LET(rdt.mount, string_of(*record, "mount"));
    LET(rdt.path, string_of(*record, "path"));
    LET(const int shared, number_of<int>(*record, "shared"));
    LET(rdt.inode, number_of<std::uint64_t>(*record, "inode"));
    LET(rdt.monitoring, string_of(*record, "monitoring"));
    LET(rdt.monitoring_inode, number_of<std::uint64_t>(*record, "monitoringInode"));
    rdt.shared = shared != 0;
    return rdt;
}

}  // namespace

std::string serialize(const State& state) {
    std::string text("{\n");
    append_number(text, "format", format_version);
    append_string(text, "id", state.id);
    append_string(text, "bundle", state.bundle);
    append_string(text, "rootfs", state.rootfs);
    append_string(text, "created", state.created);
    append_string(text, "cgroupMount", state.cgroup_mount);
    append_string(text, "cgroupPath", state.cgroup_path);
    append_number(text, "cgroupInode", state.cgroup_inode);
    append_kept_cgroups(text, state.kept_cgroups);
    append_number(text, "privatePids", state.private_pids ? 1 : 0);
    append_number(text, "newKeyring", state.new_keyring ? 1 : 0);
    append_number(text, "cgroupOptional", state.cgroup_optional ? 1 : 0);
    append_string(text, "uidMap", state.uid_map);
    append_string(text, "gidMap", state.gid_map);
    append_number(text, "laterHooks", state.later_hooks ? 1 : 0);
    append_root_mount(text, state.root_mount);
    if (!state.has_program) append_number(text, "noProgram", 1);
    append_rdt(text, state.rdt);
    append_unit(text, state.unit);
    append_number(text, "pid", state.pid);
    append_number(text, "startTime", state.start_time);
    append_number(text, "pidfdInode", state.pidfd_inode);
    text.append("  \"annotations\": {");
    std::string_view separator;
    for (const auto& [key, value] : state.annotations) {
        text.append(cat(separator, "\n    ", json_string(key), ": ", json_string(value)));
        separator = ",";
    }
    return text.append(state.annotations.empty() ? "}\n}\n" : "\n  }\n}\n");
}

Result<State> deserialize(std::string_view text) {
    LET(const json::Tree tree, json::read(text, state_file));
    const json::Value root = json::root(tree);
    LET(const int format, number_of<int>(root, "format"));
    if (format != format_version)
        return fail(Kind::unsupported, state_file, ": written by another version (format ", format, ")");
    State state;
    LET(state.id, string_of(root, "id"));
    LET(state.bundle, string_of(root, "bundle"));
    LET(state.rootfs, string_of(root, "rootfs"));
    LET(state.created, string_of(root, "created"));
    LET(state.cgroup_mount, string_of(root, "cgroupMount"));
    LET(state.cgroup_path, string_of(root, "cgroupPath"));
    LET(state.cgroup_inode, number_of<std::uint64_t>(root, "cgroupInode"));
    LET(state.kept_cgroups, kept_cgroups_of(root));
    LET(const int private_pids, number_of<int>(root, "privatePids"));
    LET(const int new_keyring, number_of<int>(root, "newKeyring"));
    LET(const int cgroup_optional, number_of<int>(root, "cgroupOptional"));
    LET(state.uid_map, string_of(root, "uidMap"));
    LET(state.gid_map, string_of(root, "gidMap"));
    LET(const int later_hooks, number_of<int>(root, "laterHooks"));
    LET(state.root_mount, root_mount_of(root));
    LET(state.rdt, rdt_of(root));
    LET(state.unit, unit_of(root));
    LET(state.pid, number_of<pid_t>(root, "pid"));
    LET(state.start_time, number_of<std::uint64_t>(root, "startTime"));
    LET(state.pidfd_inode, number_of<std::uint64_t>(root, "pidfdInode"));
    state.private_pids = private_pids != 0;
    state.new_keyring = new_keyring != 0;
    state.cgroup_optional = cgroup_optional != 0;
    state.later_hooks = later_hooks != 0;
    state.has_program = !root.find("noProgram");
    if (const auto annotations = root.find("annotations"))
        for (const json::Value member : annotations->children())
            state.annotations.emplace(member.key(), member.text());
    return state;
}

Result<> save(int directory, const State& state) {
    return replace_file_at(directory, state_file, serialize(state), private_mode);
}

// Read by nobody before the container is published, so it needs no other name first.
Result<> save_config(int directory, const std::string& text) {
    LET(const Fd file, sys::open_at(directory, config_copy, O_WRONLY | O_CREAT | O_EXCL, private_mode));
    return sys::write_all(file.number(), text);
}

Result<std::string> load_config(int directory) {
    return read_file_at(directory, config_copy, json::document_limit);
}

Result<State> load(int directory) {
    LET(const std::string text, read_file_at(directory, state_file, size_limit));
    return deserialize(text);
}

}  // namespace bulkhead::runtime
