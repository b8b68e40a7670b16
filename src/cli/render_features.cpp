// SPDX-License-Identifier: Apache-2.0
#include "cli/render_features.hpp"

#include <nlohmann/json.hpp>

namespace bulkhead::cli {

namespace {

using Json = nlohmann::ordered_json;

Json enabled(bool whether) { return {{"enabled", whether}}; }

Json json_of(const SeccompFeatures& seccomp) {
    return {
        {"enabled", true},
        {"actions", seccomp.actions},
        {"operators", seccomp.operators},
        {"archs", seccomp.architectures},
        {"knownFlags", seccomp.known_flags},
        {"supportedFlags", seccomp.supported_flags},
    };
}

Json json_of(const IntelRdtFeatures& rdt) {
    return {{"enabled", rdt.enabled}, {"schemata", rdt.schemata}, {"monitoring", rdt.monitoring}};
}

// cgroup v2 only, and all of its controllers.
Json cgroup_of(const Features& features) {
    return {{"v1", false},
            {"v2", true},
            {"systemd", features.systemd},
            {"systemdUser", features.systemd},
            {"rdma", true}};
}

Json linux_of(const Features& features) {
    Json object{
        {"namespaces", features.namespaces},       {"capabilities", features.capabilities},
        {"cgroup", cgroup_of(features)},           {"seccomp", json_of(features.seccomp)},
        {"apparmor", enabled(features.apparmor)},  {"selinux", enabled(features.selinux)},
        {"intelRdt", json_of(features.intel_rdt)},
    };
    if (!features.memory_policy.modes.empty())
        object["memoryPolicy"] = {{"modes", features.memory_policy.modes},
                                  {"flags", features.memory_policy.flags}};
    object["mountExtensions"] = {{"idmap", enabled(true)}};
    object["netDevices"] = enabled(true);
    return object;
}

// Engines look for runc's key of checkpoints with every runtime (crun has it, too). runc's other keys would
// claim that this is runc.
Json annotations_of(const Build& build, const Features& features) {
    const char* checkpoint = features.checkpoint ? "true" : "false";
    return {
        {"io.github.seccomp.libseccomp.version", build.libseccomp},
        {"org.opencontainers.runc.checkpoint.enabled", checkpoint},
        {"run.bulkhead.commit", build.commit},
        {"run.bulkhead.version", build.version},
    };
}

}  // namespace

std::string features_json(const Build& build, const Features& features) {
    const Json document{
        {"ociVersionMin", features.oldest_version},
        {"ociVersionMax", features.newest_version},
        {"hooks", features.hooks},
        {"mountOptions", features.mount_options},
        {"linux", linux_of(features)},
        {"annotations", annotations_of(build, features)},
        {"potentiallyUnsafeConfigAnnotations", features.unsafe_annotations},
    };
    return document.dump(4).append(1, '\n');
}

}  // namespace bulkhead::cli
