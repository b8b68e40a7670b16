// SPDX-License-Identifier: Apache-2.0
// Turns options into requests of the runtime: the small grammars of single values, and the requests of
// create, run and exec.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cli/flags.hpp"
#include "cli/site.hpp"
#include "runtime/container/container.hpp"

namespace bulkhead::cli {

// A number from 0 to 64, or a name with or without SIG in any case, as runc's `kill` takes it. Real-time
// signals have no names there; engines send numbers.
Result<int> parse_signal(std::string_view word);

// STEP:ACTION, ACTION one of EPERM, ENOSYS, ENOMEM, kill; empty: no fault.
Result<plan::Fault> parse_fault(std::string_view word);

// The rule for a directory of overlay layers, in flags and in bulkhead.yaml.
inline constexpr std::string_view layer_directory_rule = "must be an absolute path without ..";
bool is_layer_directory(std::string_view path);

// DIR[:DIR...] as the value of `flag`, absolute paths without ".."; empty: none.
Result<std::vector<std::string>> parse_directories(std::string_view flag, std::string_view list);

Result<runtime::CreateRequest> create_request(const Options& options, const CreateFlags& flags,
                                              std::string id, const Caller& caller);
Result<runtime::CreateRequest> run_request(const Options& options, const RunFlags& flags, std::string id,
                                           const Caller& caller);
Result<runtime::CreateRequest> explain_request(const Options& options, const ExplainFlags& flags,
                                               std::string id, const Caller& caller);

// The value of --cgroup as one path, empty if it was not given. cgroup v2 has one hierarchy, so runc's
// CONTROLLER:PATH and more than one of them are refused.
Result<std::string> parse_cgroup(const std::vector<std::string>& given);

// operands: the container's id, then the program and its arguments.
Result<runtime::ExecRequest> exec_request(const ExecFlags& flags, const std::vector<std::string>& operands);

}  // namespace bulkhead::cli
