// SPDX-License-Identifier: Apache-2.0
#include "spec/validate.hpp"

#include <set>
#include <string_view>

#include "spec/capabilities.hpp"
#include "spec/checks.hpp"

namespace bulkhead::spec {

namespace {

constexpr Check table[] = {
    {"cwd is absolute", cwd_is_absolute},
    {"consoleSize fits a terminal", console_size_fits_a_terminal},
    {"args name a program", args_name_a_program},
    {"env entries have names", env_entries_have_names},
    {"rlimits are distinct", rlimits_are_distinct},
    {"rlimits are ordered", rlimits_are_ordered},
    {"scheduler fits its policy", scheduler_fits_its_policy},
    {"ioPriority is in range", io_priority_is_in_range},
    {"execCPUAffinity is a list", cpu_affinity_is_a_list},
    {"root has a path", root_has_a_path},
    {"mounts have destinations", mounts_have_destinations},
    {"mount mappings come in pairs", mount_mappings_come_in_pairs},
    {"restricted paths are named", restricted_paths_are_named},
    {"devices are complete", devices_are_complete},
    {"hooks can run", hooks_can_run},
    {"annotations have keys", annotations_have_keys},
    {"namespaces are distinct", namespaces_are_distinct},
    {"namespace paths are absolute", namespace_paths_are_absolute},
    {"names have a uts namespace", names_have_a_uts_namespace},
    {"restricted paths have a mount namespace", restricted_paths_have_a_mount_namespace},
    {"id mappings have a user namespace", id_mappings_have_a_user_namespace},
    {"id mappings can be written", id_mappings_can_be_written},
    {"users are mapped", users_are_mapped},
    {"time offsets have a time namespace", time_offsets_have_a_time_namespace},
    {"net devices have a network namespace", net_devices_have_a_network_namespace},
    {"sysctls are parameters", sysctls_are_parameters},
    {"sysctls are namespaced", sysctls_are_namespaced},
    {"cgroupsPath stays inside", cgroups_path_stays_inside},
    {"device rules have access", device_rules_have_access},
    {"RDT group is a name", rdt_group_is_a_name},
    {"RDT schemas are lines", rdt_schemas_are_lines},
    {"memory policy fits its mode", memory_policy_fits_its_mode},
    {"seccomp default can decide", seccomp_default_can_decide},
    {"seccomp rules name syscalls", seccomp_rules_name_syscalls},
    {"seccomp errnos are used", seccomp_errnos_are_used},
    {"seccomp metadata has a listener", seccomp_metadata_has_a_listener},
    {"seccomp listener is complete", seccomp_listener_is_complete},
};

// config.md: "Any value which cannot be mapped to a relevant kernel interface ... MUST be logged as a
// warning"
std::set<std::string> drop_unknown(Capabilities& sets) {
    std::set<std::string> unknown;
    for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted, &sets.inheritable, &sets.ambient})
        std::erase_if(*set, [&](const std::string& name) {
            return !capability_number(name) && (unknown.insert(name), true);
        });
    return unknown;
}

std::string ignoring(std::string_view pointer, std::string_view what, const std::set<std::string>& names) {
    std::vector<std::string> shown;
    shown.reserve(names.size());
    for (const std::string& name : names) shown.push_back(quotable(name));
    return cat("config.json: ", pointer, ": ignoring ", what, ": [", join(shown, " "), "]");
}

using Names = std::vector<std::string>;

std::set<std::string> drop_outside(Names& set, const Names& outer) {
    std::set<std::string> dropped;
    std::erase_if(set, [&](const std::string& name) {
        return std::ranges::find(outer, name) == outer.end() && (dropped.insert(name), true);
    });
    return dropped;
}

// Removes what the kernel would refuse: capset(2) needs effective capabilities to be permitted, and
// inheritable ones to be in the bounding set; PR_CAP_AMBIENT_RAISE needs them permitted and inheritable.
// config.md: "Any value which ... cannot be granted otherwise, MUST be logged as a warning", where runc fails
// with the kernel's EPERM. It ignores a refused ambient one; its own `spec`, and so ours, asks for those and
// has no inheritable list.
void fit_capabilities(Capabilities& sets, std::vector<std::string>& warnings) {
    const auto warn = [&](std::string_view pointer, std::string_view what,
                          const std::set<std::string>& names) {
        if (!names.empty()) warnings.push_back(ignoring(pointer, what, names));
    };
    warn("/process/capabilities", "unknown or unavailable capabilities", drop_unknown(sets));
    const bool some_inheritable = !sets.inheritable.empty();
    warn("/process/capabilities/effective", "capabilities that are not in the permitted set",
         drop_outside(sets.effective, sets.permitted));
    warn("/process/capabilities/inheritable", "capabilities that are not in the bounding set",
         drop_outside(sets.inheritable, sets.bounding));
    std::set<std::string> lonely = drop_outside(sets.ambient, sets.permitted);
    lonely.merge(drop_outside(sets.ambient, sets.inheritable));
    if (some_inheritable)
        warn("/process/capabilities/ambient", "capabilities that are not both permitted and inheritable",
             lonely);
}

std::string taken_from_the_root(std::string_view pointer, std::string_view what, std::string_view path) {
    return cat("config.json: ", pointer, ": ", what, ' ', quotable(path),
               " is not absolute: taken as relative to /");
}

// The standard wants all of them absolute (mounts: relative ones are deprecated); runc and crun take others.
void warn_of_relative_paths(const Spec& spec, std::vector<std::string>& warnings) {
    for (std::size_t i = 0; const Mount& mount : spec.mounts) {
        const std::string pointer = cat("/mounts/", i++, "/destination");
        if (!is_absolute(mount.destination))
            warnings.push_back(taken_from_the_root(pointer, "mount destination", mount.destination));
    }
    const std::pair<std::string_view, const std::vector<std::string>&> lists[] = {
        {"/linux/maskedPaths/", spec.linux.masked_paths},
        {"/linux/readonlyPaths/", spec.linux.readonly_paths},
    };
    for (const auto& [pointer, paths] : lists)
        for (std::size_t i = 0; i < paths.size(); ++i)
            if (!is_absolute(paths[i]))
                warnings.push_back(taken_from_the_root(cat(pointer, i), "path", paths[i]));
}

// The standard has the property and no flag for it; runc says so and goes on.
void warn_of_personality_flags(const Spec& spec, std::vector<std::string>& warnings) {
    if (!spec.linux.personality || spec.linux.personality->flags.empty()) return;
    std::vector<std::string> shown;
    for (const std::string& flag : spec.linux.personality->flags) shown.push_back(quotable(flag));
    warnings.push_back(cat("config.json: /linux/personality/flags: ignoring unsupported personality flags: [",
                           join(shown, " "), "]"));
}

// config-linux.md, "IntelRdt": "SHOULD start with L3: and SHOULD NOT contain newlines"
void warn_of_cache_schema(const Spec& spec, std::vector<std::string>& warnings) {
    if (!spec.linux.intel_rdt || spec.linux.intel_rdt->l3_cache_schema.empty()) return;
    const std::string& schema = spec.linux.intel_rdt->l3_cache_schema;
    if (schema.starts_with("L3:") && !schema.contains('\n')) return;
    warnings.push_back(cat("config.json: /linux/intelRdt/l3CacheSchema: ", quoted(schema),
                           " should be one line that starts with L3:"));
}

}  // namespace

std::span<const Check> checks() { return table; }

void lift_the_zero_of_old_versions(Pids& pids, std::string_view version) {
    const std::vector<std::string_view> numbers = split(version, '.');
    if (pids.limit == 0 && numbers.size() > 1 && parse_decimal<unsigned>(numbers[1]).value_or(0) < 3)
        pids.limit = -1;
}

Process process_that_waits() { return Process{.cwd = "/", .args = {""}}; }

Result<ValidSpec> validate(Spec spec) {
    std::vector<std::string> warnings;
    const bool has_program = spec.process.has_value();
    if (!has_program) spec.process = process_that_waits();
    if (spec.process->capabilities) fit_capabilities(*spec.process->capabilities, warnings);
    for (const Check& check : table) TRY(check.run(spec));
    lift_the_zero_of_old_versions(spec.linux.resources.pids, spec.oci_version);
    warn_of_relative_paths(spec, warnings);
    warn_of_personality_flags(spec, warnings);
    warn_of_cache_schema(spec, warnings);
    return ValidSpec(std::move(spec), has_program, std::move(warnings));
}

}  // namespace bulkhead::spec
