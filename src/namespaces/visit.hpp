// SPDX-License-Identifier: Apache-2.0
// Puts the host program into other namespaces for a moment, because a child is born where its parent is.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::namespaces {

struct Destination {
    int file = -1;           // an open namespace; the caller closes it
    std::uint64_t type = 0;  // its one CLONE_NEW*
};

// Needs a process of one thread. leave() goes back and returns errors. If an error cuts the visit short, the
// destructor goes back without a report.
class Visit {
  public:
    // Errors: setns(2); the process is then back in its own namespaces.
    static Result<Visit> enter(const std::vector<Destination>& destinations);

    Visit(Visit&& other) noexcept;
    Visit& operator=(Visit&&) = delete;
    ~Visit();

    // Goes back to where enter() found the process. On an error it is somewhere else: the program must end.
    Result<> leave();

  private:
    struct Home {
        Fd file;
        std::uint64_t type;
    };

    Visit() = default;

    std::vector<Home> homes_;
    Fd directory_;  // joining a mount namespace changes the working directory and the root
    Fd root_;
};

// Opens "/proc/self/ns/..." of a type.
Result<Fd> open_own(std::uint64_t type);
// The types, CLONE_NEW*, of which the process has another namespace than the runtime.
Result<std::uint64_t> foreign_namespaces(pid_t pid);
// True if an open namespace is the runtime's own of that type: the same device and inode.
Result<bool> is_own(const Fd& file, std::uint64_t type);

}  // namespace bulkhead::namespaces
