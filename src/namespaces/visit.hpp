// SPDX-License-Identifier: Apache-2.0
// The host program in other namespaces for a moment, and back: a child is born where its parent is.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::namespaces {

struct Destination {
    int file = -1;           // an open namespace; not ours to close
    std::uint64_t type = 0;  // its one CLONE_NEW*
};

// Needs a process of one thread. What was entered is left again by leave(), or at the end of the value where
// an error cuts the visit short; nobody is told then.
class Visit {
  public:
    // Errors: setns(2), with nothing entered.
    static Result<Visit> enter(const std::vector<Destination>& destinations);

    Visit(Visit&& other) noexcept;
    Visit& operator=(Visit&&) = delete;
    ~Visit();

    // Back to where enter() found the process. An error leaves it somewhere else: the program must end.
    Result<> leave();

  private:
    struct Home {
        Fd file;
        std::uint64_t type;
    };

    Visit() = default;

    std::vector<Home> homes_;
    Fd directory_;  // a mount namespace takes the working directory and the root along
    Fd root_;
};

// Opens "/proc/self/ns/..." of a type.
Result<Fd> open_own(std::uint64_t type);
// The types, CLONE_NEW*, of which a process has another namespace than the runtime.
Result<std::uint64_t> foreign_namespaces(pid_t pid);
// True if an open namespace is the runtime's own of that type: the same device and inode.
Result<bool> is_own(const Fd& file, std::uint64_t type);

}  // namespace bulkhead::namespaces
