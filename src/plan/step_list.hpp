// SPDX-License-Identifier: Apache-2.0
// A list of the structs of a vocabulary: a step's number is its place in it. And lists of members, by which a
// step declares what it uses. Freestanding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bulkhead::plan {

template <class... Ops>
struct Vocabulary {
    static constexpr std::size_t size = sizeof...(Ops);

    template <class Op>
    static consteval std::uint16_t index_of() {
        std::uint16_t index = 0;
        (void)((std::is_same_v<Op, Ops> ? true : (++index, false)) || ...);
        return index;
    }
};

// Members of a step: slots, anchors, and paths that lie below an anchor.
template <auto... members>
struct Members {};

}  // namespace bulkhead::plan
