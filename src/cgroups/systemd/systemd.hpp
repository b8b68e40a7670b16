// SPDX-License-Identifier: Apache-2.0
// systemd, which makes the container's cgroup as a unit. The host-helper program holds one connection for
// each command, because only that is linked with libsystemd.
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
    std::string invocation;  // systemd's id of this one start: the unit's identity
    std::string cgroup;      // below the mount, "/" in front
};

class Systemd {
  public:
    // `helper` is the absolute path of the program; `addresses` are those of bus.hpp. Each has 10 s to
    // answer. Kind::unsupported if none answers.
    static Result<Systemd> connect(const std::string& helper, const std::vector<std::string>& addresses);

    unsigned version() const { return version_; }
    const std::string& cgroup() const { return cgroup_; }  // systemd's own: "/" for the machine's

    // Starts a transient unit with process `first` in it (0: none) and waits for at most 30 s. A unit of that
    // name that has failed or is about to end makes room; Kind::exists if one is in use.
    Result<StartedUnit> start_unit(const std::string& name, pid_t first,
                                   std::span<const plan::UnitProperty> properties);
    Result<> set_properties(const std::string& invocation, std::span<const plan::UnitProperty> properties);
    // A unit that is gone is a success. Empty invocation: systemd only forgets a failed unit of this name.
    Result<> stop_unit(const std::string& name, const std::string& invocation);
    // Moves a process into the unit, or to "/a/b" in it. A user's systemd asks the machine's if the user may
    // not do that.
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
