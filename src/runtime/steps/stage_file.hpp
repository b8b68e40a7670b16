// SPDX-License-Identifier: Apache-2.0
// Makes the two files of a container's first process: the stage's ELF and its plan. Neither has a name on the
// host, and nobody can write to them.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::runtime {

// The beginning of /proc/PID/exe for the memfd, and all of it for the fallback.
inline constexpr const char* stage_name = "/memfd:bulkhead-stage";
inline constexpr const char* detached_stage_name = "/stage";

// The embedded ELF (stage_image.S).
std::string_view stage_image();

// An executable, sealed memfd with the stage; a file on a read-only tmpfs that is mounted nowhere, if
// vm.memfd_noexec (6.3) forbids that.
Result<Fd> stage_file();

// A sealed memfd with the plan's bytes.
Result<Fd> plan_file(std::string_view bytes);

}  // namespace bulkhead::runtime
