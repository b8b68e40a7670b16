// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/state.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "spec/json.hpp"

namespace bulkhead::runtime {

namespace {

constexpr std::size_t size_limit = 4 << 20;
constexpr mode_t private_mode = 0600;  // the record names paths of the host
constexpr int read_flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;

void append_string(std::string& text, std::string_view key, std::string_view value) {
    text.append(cat("  ", json_string(key), ": ", json_string(value), ",\n"));
}

template <class Number>
void append_number(std::string& text, std::string_view key, Number value) {
    text.append(cat("  ", json_string(key), ": ", value, ",\n"));
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

}  // namespace

std::string serialize(const State& state) {
    std::string text("{\n");
    append_number(text, "format", record_format);
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
    if (state.notify_descriptor != 0) append_number(text, "notifyDescriptor", state.notify_descriptor);
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

Result<> save(int directory, const State& state) {
    return replace_file_at(directory, state_file, serialize(state), private_mode);
}

// Read by nobody before the container is published, so it needs no other name first.
Result<> save_config(int directory, const std::string& text) {
    LET(const Fd file, sys::open_at(directory, config_copy, O_WRONLY | O_CREAT | O_EXCL, private_mode));
    return sys::write_all(file.number(), text);
}

// A link leads to what is not this container's.
Result<std::string> load_config(int directory) {
    LET(const Fd file, sys::open_at(directory, config_copy, read_flags));
    return read_file(file.number(), config_copy, json::document_limit);
}

Result<std::string> read_record(int directory) {
    const auto file = sys::open_at(directory, state_file, read_flags);
    // A link, or a socket or device in its place.
    const bool strange = !file && (file.error().err == ELOOP || file.error().err == ENXIO);
    if (strange) return fail(Kind::invalid_config, state_file, ": not a regular file");
    if (!file) return std::unexpected(file.error());
    auto text = read_file(file->number(), state_file, size_limit);
    if (!text && text.error().err == EISDIR)
        return fail(Kind::invalid_config, state_file, ": not a regular file");
    return text;
}

Result<State> load(int directory) {
    LET(const std::string text, read_record(directory));
    return deserialize(text);
}

}  // namespace bulkhead::runtime
