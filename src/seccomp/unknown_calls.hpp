// SPDX-License-Identifier: Apache-2.0
// Calls that are newer than the profile. A libc tries a new call and falls back if it gets ENOSYS; an EPERM
// from a profile that was written before the call existed breaks the program. So every call above the highest
// number that the profile names answers ENOSYS, as with runc.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "spec/profile.hpp"

namespace bulkhead::seccomp {

// Instructions to stand before a filter: they return ERRNO(ENOSYS) or run into what follows them. None if
// the default action lets calls through (ALLOW, LOG, TRACE) or is ENOSYS itself, and none for an architecture
// in which the profile names no call.
std::vector<sock_filter> answer_unknown_calls(const spec::Seccomp& profile);

}  // namespace bulkhead::seccomp
