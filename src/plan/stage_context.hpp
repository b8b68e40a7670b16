// SPDX-License-Identifier: Apache-2.0
// The data that the stage's steps share: the arena, the handed-over descriptors, and a few results of earlier
// steps. Freestanding.
#pragma once

#include <cstdint>

#include "base/raw.hpp"
#include "plan/wire.hpp"

namespace bulkhead::plan {

// The thing that an Anchor stands for.
struct Anchored {
    std::uint64_t mount = 0;  // the id of the attached mount; 0: the path was missing
    int fd = 0;               // later steps resolve beneath it; 0: none
    bool plain = false;       // no link may lead to it
};

struct StageContext {
    ArenaView arena;
    int* slots;         // descriptor of each slot
    Anchored* anchors;  // anchor_limit of them; the first is none
    std::uint16_t last_anchor = 0;
    int report;            // the socket to the host
    int root = -1;         // AttachRoot: the container's root directory
    int joined_pids = -1;  // JoinNamespace: the pid namespace whose processes a procfs has to show
    int procfs = -1;       // OpenProcfs: the root of a procfs that can be trusted
    int self = -1;         // OpenSelf: our own directory of it, "fd" and "mountinfo" below
    int mask = -1;         // MaskPath: the attached empty directory, cloned for further masks
    int null = -1;         // MaskPath: the attached null device, cloned likewise
    const volatile std::uint32_t* handshake = nullptr;  // MapHandshake: a word as in base/robust_word.hpp
    int kept[4] = {-1, -1, -1, -1};                     // KeepDescriptor; -1: free
    Texts candidates{};                                 // FindProgram: where it looked ...
    std::uint32_t program = 0;                          // ... and which candidate is executed
    StepTime* times = nullptr;                          // with --trace
    std::uint32_t time_count = 0;

    int fd(Slot slot) const { return slots[slot.index]; }
};

// The end of a step: `result` of the system call `call`.
inline Outcome outcome(long result, Call call) {
    return result < 0 ? Outcome{static_cast<std::int32_t>(-result), call} : Outcome{};
}

}  // namespace bulkhead::plan

// A statement: leaves the step with the Outcome of the call if it fails.
#define ATTEMPT(expression, name)                                                      \
    do {                                                                               \
        if (const long attempted = (expression); attempted < 0)                        \
            return ::bulkhead::plan::outcome(attempted, ::bulkhead::plan::Call::name); \
    } while (false)
