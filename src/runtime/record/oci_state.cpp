// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/oci_state.hpp"

#include "base/files.hpp"
#include "base/json_writer.hpp"
#include "base/sys.hpp"
#include "spec/spec.hpp"

namespace bulkhead::runtime {

namespace {

bool is_in_the_namespace_of_its_children(pid_t pid) {
    const auto own = sys::status_at(sys::here, cat("/proc/", pid, "/ns/pid"));
    const auto children = sys::status_at(sys::here, cat("/proc/", pid, "/ns/pid_for_children"));
    return own && children && own->st_ino == children->st_ino;
}

}  // namespace

std::string oci_state(const State& state, std::string_view status, pid_t pid) {
    constexpr auto style = JsonWriter::Style::compact;
    JsonWriter writer;
    writer.object(style).member("ociVersion", spec::implemented_version).member("id", state.id);
    writer.member("status", status).member("pid", pid).member("bundle", state.bundle);
    writer.key("annotations").object(style);
    for (const auto& [key, value] : state.annotations) writer.member(key, value);
    writer.end().end();
    return std::move(writer).text();
}

pid_t innermost_pid(std::string_view status) {
    for (const std::string_view line : split(status, '\n')) {
        if (!line.starts_with("NSpid:")) continue;
        const std::size_t last = line.find_last_of("\t ");
        return static_cast<pid_t>(parse_decimal<unsigned>(line.substr(last + 1)).value_or(0));
    }
    return 0;
}

pid_t pid_inside(pid_t pid) {
    if (!is_in_the_namespace_of_its_children(pid)) return 0;
    const auto status = read_kernel_file(sys::here, cat("/proc/", pid, "/status"));
    return status ? innermost_pid(*status) : 0;
}

}  // namespace bulkhead::runtime
