// SPDX-License-Identifier: Apache-2.0
// linux.sysctl: only parameters of the container's own namespaces (config-linux.md, "Sysctl"), and no key or
// value that could reach a second parameter (CVE-2022-0811).
#include <set>

#include "spec/checks.hpp"
#include "spec/kernel_parameters.hpp"

namespace bulkhead::spec {

namespace {

std::string pointer_to(std::string_view key) { return cat("/linux/sysctl/", pointer_token(key)); }

std::unexpected<Error> refuse_key(std::string_view key, std::string_view reason) {
    return refuse(pointer_to(key), cat("sysctl ", quoted(key), ' ', reason));
}

Result<> is_own(const Spec& spec, std::string_view key, std::string_view path) {
    const auto type = namespace_of_parameter(path);
    if (type && find_namespace(spec, *type)) return {};
    if (path == "kernel/hostname" && find_namespace(spec, NamespaceType::uts))
        return refuse_key(key, "is not allowed as it conflicts with the OCI \"hostname\" field");
    return refuse_key(key, shared_with_host(type));
}

}  // namespace

Result<> sysctls_are_parameters(const Spec& spec) {
    std::set<std::string> seen;
    for (const auto& [key, value] : spec.linux.sysctl) {
        const auto path = kernel_parameter_path(key);
        if (!path) return refuse_key(key, "is not a key of sysctl(8)");
        if (!seen.insert(*path).second) return refuse_key(key, "is given twice");
        if (value.empty()) return refuse(pointer_to(key), "the value must not be empty");
        if (value.find_first_of(std::string_view("\n\0", 2)) != value.npos)
            return refuse(pointer_to(key), value, "the value must be a single line");
    }
    return {};
}

Result<> sysctls_are_namespaced(const Spec& spec) {
    for (const auto& [key, value] : spec.linux.sysctl) {
        const std::string path = kernel_parameter_path(key).value_or("");
        TRY(is_own(spec, key, path));
        if (path == "kernel/domainname" && !spec.domainname.empty() && spec.domainname != value)
            return refuse_key(key, "conflicts with the OCI \"domainname\" field");
    }
    return {};
}

}  // namespace bulkhead::spec
