// SPDX-License-Identifier: Apache-2.0
// From a valid spec to a timeline: the one place where the rooms meet. Pure. Read it top to bottom: it is the
// birth of a container, in order.
#pragma once

#include <string>

#include "base/error.hpp"
#include "plan/host_facts.hpp"
#include "plan/timeline.hpp"
#include "spec/validate.hpp"

namespace bulkhead::runtime {

// What is asked for beside the spec. All paths are absolute.
struct Blueprint {
    std::string id;
    std::string bundle;
    std::string root;             // the root file system
    std::string state_directory;  // of this container
    std::string pid_file;         // the rest: empty where not asked for
    std::string console_socket;
    std::string pidfd_socket;
    unsigned preserve_fds = 0;
    bool new_keyring = true;
    bool await_start = true;  // create: stop before the program until `start`
};

// The container's cgroup below the hierarchy's root, from linux.cgroupsPath and the id.
Result<std::string> cgroup_path(const Blueprint& blueprint, const spec::ValidSpec& spec,
                                const plan::HostFacts& host);

Result<plan::Timeline> compile_creation(const Blueprint& blueprint, const spec::ValidSpec& spec,
                                        const plan::HostFacts& host);
Result<plan::Timeline> compile_start();
// kill: something in the container may still run.
Result<plan::Timeline> compile_removal(const std::string& state_directory, bool kill);

}  // namespace bulkhead::runtime
