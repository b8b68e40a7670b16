// SPDX-License-Identifier: Apache-2.0
#include "process/plan_capabilities.hpp"

#include <utility>

#include "process/plan.hpp"
#include "spec/capabilities.hpp"
#include "spec/find_namespace.hpp"

namespace bulkhead::process {

namespace {

std::uint64_t known_to(const plan::HostFacts& host) {
    return host.last_capability >= 63 ? ~std::uint64_t{0}
                                      : (std::uint64_t{1} << (host.last_capability + 1)) - 1;
}

}  // namespace

// The caller of the runtime also executes the stage, so both have the same capabilities: for root those of
// the bounding and the inheritable set, under no_new_privs what is left of them. clone and setns into a user
// namespace give every capability in it, and a whole bounding set (user_namespaces(7)).
std::uint64_t grantable_capabilities(const spec::ValidSpec& spec, const plan::HostFacts& host) {
    const bool all = spec::find_namespace(*spec, spec::NamespaceType::user) != nullptr;
    return all ? known_to(host) : host.capabilities & known_to(host);
}

Result<std::uint64_t> capability_set(const std::vector<std::string>& names, std::uint64_t grantable) {
    std::uint64_t set = 0;
    for (const std::string& name : names) {
        const auto number = spec::capability_number(name);
        if (!number)
            return fail(Kind::internal, "capability ", quoted(name), " passed validation and has no number");
        set |= std::uint64_t{1} << *number;
    }
    return set & grantable;
}

// Every set loses the same capabilities, so each of the kernel's rules between the sets still holds.
Result<> plan_capabilities(plan::TimelineBuilder& timeline, const spec::Capabilities& sets,
                           std::uint64_t grantable, std::uint64_t kept) {
    const char* pointer = "/process/capabilities";
    LET(std::uint64_t effective, capability_set(sets.effective, grantable));
    LET(std::uint64_t permitted, capability_set(sets.permitted, grantable));
    effective |= kept;
    permitted |= kept;
    LET(const std::uint64_t inheritable, capability_set(sets.inheritable, grantable));
    LET(const std::uint64_t ambient, capability_set(sets.ambient, grantable));
    timeline.init(plan::SetCapabilities{effective, permitted, inheritable, ambient}, pointer);
    return {};
}

std::vector<std::string> capability_warnings(const spec::ValidSpec& spec, const plan::HostFacts& host) {
    if (!spec.process().capabilities) return {};
    const spec::Capabilities& sets = *spec.process().capabilities;
    const std::uint64_t grantable = grantable_capabilities(spec, host);
    const std::pair<const char*, const std::vector<std::string>*> lists[] = {
        {"bounding", &sets.bounding},
        {"effective", &sets.effective},
        {"permitted", &sets.permitted},
        {"inheritable", &sets.inheritable},
        {"ambient", &sets.ambient}};
    std::vector<std::string> warnings;
    std::uint64_t told = 0;
    for (const auto& [list, names] : lists)
        for (const std::string& name : *names) {
            const std::uint64_t bit = std::uint64_t{1} << spec::capability_number(name).value_or(0);
            if ((bit & (grantable | told)) != 0) continue;
            told |= bit;
            const bool known = (bit & known_to(host)) != 0;
            warnings.push_back(
                cat("config.json: /process/capabilities/", list, ": ", name,
                    " cannot be granted and is left out of every set: ",
                    known ? "the runtime does not have it itself" : "this kernel does not have it"));
        }
    return warnings;
}

}  // namespace bulkhead::process
