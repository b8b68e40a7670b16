// SPDX-License-Identifier: Apache-2.0
// systemd, which makes the container's cgroup as a unit. One connection for each command: the host-helper
// program has it, because only it is linked with libsystemd.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/companion.hpp"
#include "base/error.hpp"
#include "plan/host_vocabulary.hpp"

namespace bulkhead::cgroups {

struct StartedUnit {
    std::string invocation;  // the id of this one time that the unit was started: the unit's identity
    std::string cgroup;      // below the mount, "/" in front
};

class Systemd {
  public:
    // `helper` is the program, an absolute path; `addresses` those of bus.hpp. Each has 10 s to answer.
    // Kind::unsupported where none does.
    static Result<Systemd> connect(const std::string& helper, const std::vector<std::string>& addresses);

    unsigned version() const { return version_; }
    const std::string& cgroup() const { return cgroup_; }  // its own: "/" for a machine's

    // Starts a transient unit with `first` in it (0: nobody) and waits for at most 30 s. A unit of that name
    // that has failed or is just ending makes room; Kind::exists where one is in use.
    Result<StartedUnit> start_unit(const std::string& name, pid_t first,
                                   std::span<const plan::UnitProperty> properties);
    Result<> set_properties(const std::string& invocation, std::span<const plan::UnitProperty> properties);
    // One that is gone is a success. An empty invocation: only that a unit of this name failed is forgotten.
    Result<> stop_unit(const std::string& name, const std::string& invocation);
    // Moves a process into the unit, or to "/a/b" in it. systemd of a user has the machine's do what the user
    // may not.
    Result<> attach_process(const std::string& name, const std::string& below, pid_t pid);

  private:
    explicit Systemd(Companion helper) : helper_(std::move(helper)) {}
    Result<std::vector<std::string>> ask(const std::vector<std::string>& words, std::size_t answers,
                                         int deadline_ms);

    Companion helper_;
    unsigned version_ = 0;
    std::string cgroup_;
};

}  // namespace bulkhead::cgroups
