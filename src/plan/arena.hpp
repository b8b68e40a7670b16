// SPDX-License-Identifier: Apache-2.0
// References into the plan's arena: offsets, never pointers, so that the bytes mean the same in the host
// program and in the stage. Freestanding: the stage includes this header.
#pragma once

#include <cstdint>

namespace bulkhead::plan {

// A string in the arena. A NUL follows it; `size` does not count it.
struct Text {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
};

// A list of Text in the arena, 8-aligned.
struct Texts {
    std::uint32_t at = 0;
    std::uint32_t count = 0;
};

// A list of 32-bit numbers in the arena, 8-aligned.
struct Numbers {
    std::uint32_t at = 0;
    std::uint32_t count = 0;
};

// Room for `count` pointers in the arena: argv and envp have no bound, so the plan reserves their arrays and
// the stage fills them in its private copy.
struct Pointers {
    std::uint32_t at = 0;
    std::uint32_t count = 0;
};

// A numbered place for a descriptor. Host steps fill a slot before SPAWN, init steps use it.
struct Slot {
    std::uint16_t index = 0;
};

inline constexpr std::uint16_t slot_limit = 4096;

// The number of a thing in the container that a step has found or attached. Later steps reach it by its
// descriptor, or compare its place with it. 0: none, the root.
struct Anchor {
    std::uint16_t index = 0;
};

inline constexpr std::uint16_t anchor_limit = 16384;

// A path of the container. A path inside a mount of the plan is resolved beneath that mount, whatever the
// names above it lead to by now.
struct Path {
    std::uint32_t at = 0;    // the whole path, from the root; a NUL follows it
    std::uint16_t skip = 0;  // the part after so many bytes ...
    Anchor below{};          // ... lies beneath this

    constexpr Path() = default;
    constexpr Path(Text text, std::uint16_t behind = 0, Anchor anchor = {})
        : at(text.at), skip(behind), below(anchor) {}
};

// Read access to an arena, wherever it is mapped.
class ArenaView {
  public:
    explicit constexpr ArenaView(char* bytes) : bytes_(bytes) {}

    char* text(Text text) const { return bytes_ + text.at; }
    char* text(Path path) const { return bytes_ + path.at; }
    const Text* texts(Texts list) const { return reinterpret_cast<const Text*>(bytes_ + list.at); }
    const char* text(Texts list, std::uint32_t index) const { return text(texts(list)[index]); }
    const std::uint32_t* numbers(Numbers list) const {
        return reinterpret_cast<const std::uint32_t*>(bytes_ + list.at);
    }
    char** pointers(Pointers list) const { return reinterpret_cast<char**>(bytes_ + list.at); }

  private:
    char* bytes_;
};

}  // namespace bulkhead::plan
