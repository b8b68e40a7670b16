// SPDX-License-Identifier: Apache-2.0
// The checks of validate: one rule each, pure. If runc has a sentence for the rule, this uses it.
#pragma once

#include <algorithm>
#include <concepts>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "spec/find_namespace.hpp"
#include "spec/spec.hpp"

namespace bulkhead::spec {

struct Check {
    std::string_view name;
    Result<> (*run)(const Spec& spec);
};

// All of them, in the order they run (validate.cpp).
std::span<const Check> checks();

// "config.json: /process/cwd: "x": Cwd must be an absolute path"
inline std::unexpected<Error> refuse(std::string_view pointer, std::string_view reason) {
    return fail(Kind::invalid_config, "config.json: ", pointer, ": ", reason);
}
inline std::unexpected<Error> refuse(std::string_view pointer, std::string_view value,
                                     std::string_view reason) {
    return fail(Kind::invalid_config, "config.json: ", pointer, ": ", quoted(value), ": ", reason);
}
inline std::unexpected<Error> refuse(std::string_view pointer, std::integral auto value,
                                     std::string_view reason) {
    return fail(Kind::invalid_config, "config.json: ", pointer, ": ", value, ": ", reason);
}

inline bool is_absolute(std::string_view path) { return path.starts_with('/'); }

// checks_process.cpp: all of these may assume that there is a process
Result<> cwd_is_absolute(const Spec& spec);
Result<> console_size_fits_a_terminal(const Spec& spec);
Result<> args_name_a_program(const Spec& spec);
Result<> env_entries_have_names(const Spec& spec);
Result<> rlimits_are_distinct(const Spec& spec);
Result<> rlimits_are_ordered(const Spec& spec);
Result<> scheduler_fits_its_policy(const Spec& spec);
Result<> io_priority_is_in_range(const Spec& spec);
Result<> cpu_affinity_is_a_list(const Spec& spec);

// checks_filesystem.cpp
Result<> root_has_a_path(const Spec& spec);
Result<> mounts_have_destinations(const Spec& spec);
Result<> mount_mappings_come_in_pairs(const Spec& spec);
Result<> restricted_paths_are_named(const Spec& spec);
Result<> devices_are_complete(const Spec& spec);
Result<> hooks_can_run(const Spec& spec);
Result<> annotations_have_keys(const Spec& spec);

// checks_namespaces.cpp
Result<> namespaces_are_distinct(const Spec& spec);
Result<> namespace_paths_are_absolute(const Spec& spec);
Result<> names_have_a_uts_namespace(const Spec& spec);
Result<> restricted_paths_have_a_mount_namespace(const Spec& spec);
Result<> id_mappings_have_a_user_namespace(const Spec& spec);
Result<> id_mappings_can_be_written(const Spec& spec);
Result<> users_are_mapped(const Spec& spec);
Result<> time_offsets_have_a_time_namespace(const Spec& spec);
Result<> net_devices_have_a_network_namespace(const Spec& spec);

// checks_sysctl.cpp
Result<> sysctls_are_parameters(const Spec& spec);
Result<> sysctls_are_namespaced(const Spec& spec);

// checks_linux.cpp
Result<> cgroups_path_stays_inside(const Spec& spec);
Result<> device_rules_have_access(const Spec& spec);
Result<> rdt_group_is_a_name(const Spec& spec);
Result<> rdt_schemas_are_lines(const Spec& spec);
Result<> memory_policy_fits_its_mode(const Spec& spec);
Result<> seccomp_default_can_decide(const Spec& spec);
Result<> seccomp_rules_name_syscalls(const Spec& spec);
Result<> seccomp_errnos_are_used(const Spec& spec);
Result<> seccomp_metadata_has_a_listener(const Spec& spec);
Result<> seccomp_listener_is_complete(const Spec& spec);

}  // namespace bulkhead::spec
