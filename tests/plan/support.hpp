// SPDX-License-Identifier: Apache-2.0
// The bundles of bundles/ and an invented machine to compile them for.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/compile/compile.hpp"
#include "spec/parse.hpp"
#include "spec/validate.hpp"

namespace bulkhead::plan::test {

inline const std::filesystem::path source_directory = BULKHEAD_SOURCE_DIR;

inline std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The folders of bundles/, sorted.
inline std::vector<std::string> bundle_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(source_directory / "bundles"))
        if (entry.is_directory()) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

inline std::string config_of(const std::string& bundle) {
    return read_text(source_directory / "bundles" / bundle / "config.json");
}

template <class Value>
Value certain(Result<Value> result) {
    if (!result) throw std::runtime_error(result.error().text);
    return std::move(result).value();
}

inline spec::ValidSpec spec_of(const std::string& bundle) {
    return certain(spec::validate(certain(spec::parse(config_of(bundle)))));
}

inline HostFacts pure_host() {
    return {.kernel_major = 6,
            .kernel_minor = 18,
            .last_capability = 40,
            .cgroup_mount = "/sys/fs/cgroup",
            .cgroup_hybrid = false,
            .own_cgroup = "/",
            .resctrl_mount = "/sys/fs/resctrl"};
}

inline HostFacts hybrid_host() {
    HostFacts host = pure_host();
    host.cgroup_mount = "/sys/fs/cgroup/unified";
    host.cgroup_hybrid = true;
    return host;
}

// The oldest kernel that bulkhead runs on.
inline HostFacts oldest_host() {
    HostFacts host = pure_host();
    host.kernel_major = 5;
    host.kernel_minor = 10;
    return host;
}

inline runtime::CreateOptions options_of(const std::string& bundle, const spec::ValidSpec& spec) {
    const std::string path = "/bundles/" + bundle;
    return {.id = "box",
            .bundle = path,
            .root = path + "/" + spec->root->path,
            .state_directory = "/run/bulkhead/box",
            .pid_file = "/run/box.pid",
            .console_socket = spec->process->terminal ? "/run/console.socket" : "",
            .pidfd_socket = "",
            .overlay_grants = {{"/layers"}, {"/uppers"}}};
}

enum class Mode : unsigned char { create, run };

inline Timeline timeline_of(const std::string& bundle, Mode mode, const HostFacts& host) {
    const spec::ValidSpec spec = spec_of(bundle);
    runtime::CreateOptions options = options_of(bundle, spec);
    options.await_start = mode == Mode::create;
    return certain(runtime::compile_creation(options, spec, host));
}

}  // namespace bulkhead::plan::test
