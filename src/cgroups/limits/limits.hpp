// SPDX-License-Identifier: Apache-2.0
// Writes limits to the files of a cgroup, and restores the old ones.
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

// Writes the settings in order. A value that the kernel finds invalid is tried again after all others,
// because some values must fit together (a burst and its quota, an idle cgroup and its weight). The error
// names the property, the file and the text. Values written before the error stay.
Result<> write_settings(int cgroup_fd, std::span<const plan::CgroupSetting> settings);

// The same in a cgroup with a container in it: a failure restores the old values. Returns the settings that
// restore them, newest first.
Result<std::vector<plan::CgroupSetting>> change_settings(int cgroup_fd,
                                                         std::span<const plan::CgroupSetting> settings);

// Restores old values. Continues after a refused one, because the error to report is the one that led here.
void restore_settings(int cgroup_fd, std::span<const plan::CgroupSetting> before);

// The current values of these one-value files, as settings. A file that does not exist has none.
Result<std::vector<plan::CgroupSetting>> settings_now(int cgroup_fd, std::span<const std::string_view> files);

// The current values of a cgroup's files that new values depend on.
Present present_of(int cgroup_fd);

// memory.checkBeforeUpdate: Kind::bad_state if a new limit, of memory or with swap, is not above the current
// use, because the OOM killer would act. `pointer` is the JSON pointer of the limits.
Result<> check_memory(int cgroup_fd, const spec::Memory& memory, std::string_view pointer);

// The settings that restore a file to `text`, its content before `setting` was written. Pure.
std::vector<plan::CgroupSetting> restoring(const plan::CgroupSetting& setting, std::string_view text);

}  // namespace bulkhead::cgroups
