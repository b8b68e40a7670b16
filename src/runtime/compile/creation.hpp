// SPDX-License-Identifier: Apache-2.0
// The birth of a container as a planner: its phases, and what they share (creation.cpp,
// preparation.cpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "namespaces/plan.hpp"
#include "process/plan.hpp"
#include "rootfs/plan.hpp"
#include "runtime/compile/compile.hpp"
#include "runtime/compile/hook.hpp"

namespace bulkhead::runtime {

// Reads the three inputs, appends to the timeline phase by phase, and keeps in members what a later phase
// needs of an earlier one.
class Creation {
  public:
    Creation(const CreateOptions& options, const spec::ValidSpec& spec, const plan::HostFacts& host)
        : options_(options),
          spec_(spec),
          host_(host),
          born_late_(namespaces::birth_of(spec, host) == namespaces::Birth::late),
          hooks_early_(has_early_hooks(spec)),
          notifies_(options.filter && options.filter->notifies) {}

    Result<plan::Timeline> compile() &&;

  private:
    Result<> plan_record_and_cgroup();
    Result<> plan_cgroup();
    void plan_limits(const std::string& path, std::vector<plan::CgroupSetting> settings);
    Result<> plan_host_resources();
    std::optional<plan::Slot> joined(spec::NamespaceType type) const;
    rootfs::MountInputs inputs() const;
    Result<> plan_birth();
    Result<> plan_unit();
    void plan_clean_start();
    Result<> plan_namespaces();
    void plan_trusted_writes();
    Result<> plan_content();
    Result<> plan_hooks(plan::HookKind kind);
    Result<> plan_early_hooks();
    void plan_seal();
    void plan_session();
    Result<> plan_session_and_permission();
    Result<> plan_host_work(bool filter);
    void plan_go();
    Result<> plan_policy();
    Result<> plan_late_birth();
    void plan_wait();
    Result<> plan_start();
    Result<> plan_start_hooks();
    void plan_announcement();
    void plan_end(const plan::Execute& execute);

    const CreateOptions& options_;
    const spec::ValidSpec& spec_;
    const plan::HostFacts& host_;
    const bool born_late_;    // the container's process is a copy, born into a joined pid namespace
    const bool hooks_early_;  // hooks run before the root is the root
    const bool notifies_;     // the filter has a listener
    plan::TimelineBuilder timeline_;
    std::string cgroup_;  // empty: none
    std::optional<plan::JoinRdtGroup> rdt_;
    namespaces::Joins joins_;
    std::optional<plan::Slot> notify_;
    rootfs::MountInputs inputs_;
    rootfs::Trees trees_;
    std::optional<rootfs::Layout> layout_;
    plan::Slot fifo_;
    plan::Slot handshake_;
    process::ProcessEnvironment environment_;
};

}  // namespace bulkhead::runtime
