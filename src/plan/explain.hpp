// SPDX-License-Identifier: Apache-2.0
// Prints a timeline for people and programs. The text is decoded from the steps that run.
#pragma once

#include <string>

#include "plan/timeline.hpp"

namespace bulkhead::plan {

// A step's name ("mount_filesystem") and the object that it acts on ("tmpfs on /dev/shm ...").
struct Description {
    std::string name;
    std::string object;
};
Description describe(const Step& step, ArenaView arena);

// A line for each step: number, lane, name, object, JSON pointer.
std::string explain_text(const Timeline& timeline);
// An array of {step, lane, verb, object, property}; `verb` is the name.
std::string explain_json(const Timeline& timeline);

}  // namespace bulkhead::plan
