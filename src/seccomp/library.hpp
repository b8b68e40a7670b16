// SPDX-License-Identifier: Apache-2.0
// The linked libseccomp: its version, and its tokens for the words of config.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/profile.hpp"

namespace bulkhead::seccomp {

// The version of the libseccomp that is linked in: "2.5.4".
std::string library_version();

// SCMP_ARCH_*; nullopt for an architecture that came to libseccomp later than this one (loongarch64
// with 2.6).
std::optional<std::uint32_t> library_arch(spec::SeccompArch arch);

// The words of linux.seccomp.architectures that library_arch knows, and of linux.seccomp.flags that the
// running kernel takes. Sorted.
std::vector<std::string_view> known_architectures();
std::vector<std::string_view> supported_flags();

}  // namespace bulkhead::seccomp
