// SPDX-License-Identifier: Apache-2.0
// Tells what happens to a host step's effect if a later step fails, and who words the step's own failure.
// Every host step declares its Undo; runtime/steps/dispatch.hpp compares that with the undo() functions, at
// compile time.
#pragma once

#include <cstdint>
#include <string_view>

namespace bulkhead::plan {

struct Undo {
    enum class Kind : std::uint8_t { by_itself, with_another, nothing, irreversible };

    Kind kind;
    std::string_view words;  // for the table of docs/design/steps.md
};

// The step has an undo(), which does this.
consteval Undo undone(std::string_view how) { return {Undo::Kind::by_itself, how}; }
// The undo of another step takes the effect along.
consteval Undo goes_with(std::string_view what) { return {Undo::Kind::with_another, what}; }
// The step looks or waits, or makes descriptors, which close with the context.
consteval Undo no_effect() { return {Undo::Kind::nothing, ""}; }
// The effect stays, for this reason.
consteval Undo irreversible(std::string_view why) { return {Undo::Kind::irreversible, why}; }

// The author of a failed step's error: the walker puts the step's name before it, or the error already names
// the stage's step or the hook that failed.
enum class Wording : std::uint8_t { of_the_walker, of_the_stage, of_the_step };

}  // namespace bulkhead::plan
