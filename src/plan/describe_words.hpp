// SPDX-License-Identifier: Apache-2.0
// The kernel's bits in words, for the sentences of describe.hpp: "ro,nosuid", "rslave", "mount,pid".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "plan/vocabulary.hpp"

namespace bulkhead::plan {

void add_word(std::string& list, std::string_view word);  // after a comma; an empty one is none
std::string in_brackets(const std::string& list);         // " (list)", or nothing for none

std::string namespace_words(std::uint64_t clone_flags);   // CLONE_NEW*
std::string propagation_word(std::uint32_t mount_flags);  // one of MS_*, MS_REC beside it
std::string attribute_words(std::uint64_t set);           // MOUNT_ATTR_*
std::string attribute_words(const MountAttributes& attributes);

}  // namespace bulkhead::plan
