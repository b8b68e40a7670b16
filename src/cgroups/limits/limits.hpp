// SPDX-License-Identifier: Apache-2.0
// Writes limits to the files of a cgroup, and takes them back.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cgroups/limits/resources.hpp"
#include "plan/host_vocabulary.hpp"
#include "spec/resources.hpp"

namespace bulkhead::cgroups {

// Writes them in order. What the kernel finds invalid is tried again after the others, because some values
// have to fit together (a burst and its quota, an idle cgroup and its weight). The error names the property,
// the file and the text; what was written before it stays.
Result<> write_settings(int cgroup_fd, std::span<const plan::CgroupSetting> settings);

// The same in a cgroup with a container in it: on failure it is as it was before. Returns what takes it back,
// newest first.
Result<std::vector<plan::CgroupSetting>> change_settings(int cgroup_fd,
                                                         std::span<const plan::CgroupSetting> settings);

// Takes it back. Goes on where a value is refused: the error to tell is the one that led here.
void restore_settings(int cgroup_fd, std::span<const plan::CgroupSetting> before);

// What these files of one value say now, as settings; a file that is not there has none.
Result<std::vector<plan::CgroupSetting>> settings_now(int cgroup_fd, std::span<const std::string_view> files);

// What the files of a cgroup say that new values depend on.
Present present_of(int cgroup_fd);

// memory.checkBeforeUpdate: Kind::bad_state where a new limit, of memory or with swap, leaves no room behind
// what is used now, which would end in the OOM killer. `pointer` is that of the limits.
Result<> check_memory(int cgroup_fd, const spec::Memory& memory, std::string_view pointer);

// The settings that bring a file back to `text`, which it had before `setting` was written to it. Pure.
std::vector<plan::CgroupSetting> restoring(const plan::CgroupSetting& setting, std::string_view text);

}  // namespace bulkhead::cgroups
