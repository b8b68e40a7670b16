// SPDX-License-Identifier: Apache-2.0
#include "namespaces/sysctl.hpp"

#include "spec/kernel_parameters.hpp"

namespace bulkhead::namespaces {

void plan_kernel_parameters(plan::TimelineBuilder& timeline, const spec::ValidSpec& spec) {
    for (const auto& [key, value] : spec->linux.sysctl) {
        const auto path = spec::kernel_parameter_path(key);
        if (!path) continue;  // validation refuses such a key
        timeline.init(plan::SetSysctl{timeline.text(*path), timeline.text(value)},
                      cat("/linux/sysctl/", pointer_token(key)));
    }
}

std::string parameter_refusal(const spec::Spec& spec, spec::NamespaceType type) {
    for (const auto& [key, value] : spec.linux.sysctl) {
        const auto path = spec::kernel_parameter_path(key);
        if (path && spec::namespace_of_parameter(*path) == type)
            return cat("sysctl ", quoted(key), ' ', spec::shared_with_host(type));
    }
    return {};
}

}  // namespace bulkhead::namespaces
