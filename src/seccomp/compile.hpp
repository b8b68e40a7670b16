// SPDX-License-Identifier: Apache-2.0
// linux.seccomp -> the program for seccomp(2), by libseccomp, as in runc.
#pragma once

#include "base/error.hpp"
#include "seccomp/program.hpp"

namespace bulkhead::seccomp {

// The machine's own architecture is always in it. It skips names of calls that libseccomp does not know,
// because engines send one profile to every version, and rules whose action is the default one. Takes
// milliseconds for a large profile of several architectures: see cache.hpp. Errors are Kind::unsupported and
// name the JSON pointer: an architecture or an action that libseccomp or the kernel does not know, a rule
// that contradicts another, a program larger than the kernel takes.
Result<Program> compile(const spec::Seccomp& profile);

}  // namespace bulkhead::seccomp
