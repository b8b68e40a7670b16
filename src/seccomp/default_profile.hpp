// SPDX-License-Identifier: Apache-2.0
// The profile of `bulkhead spec --seccomp default`: for people who run a container without an engine.
#pragma once

#include "spec/profile.hpp"

namespace bulkhead::seccomp {

// Refuses with EPERM the calls that a program in an ordinary container has no use for, and allows the rest
// (the table in default_profile.cpp). For this machine's architectures.
spec::Seccomp default_profile();

}  // namespace bulkhead::seccomp
