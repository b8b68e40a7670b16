// SPDX-License-Identifier: Apache-2.0
// Finds the apply() and undo() of a step's type, and the parts of the context for their parameters. A step
// cannot get a part that it does not name, and nobody lists the steps a second time.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "runtime/steps/host_steps.hpp"

namespace bulkhead::runtime {

template <class Type, class... Types>
inline constexpr bool is_among = (std::same_as<Type, Types> || ...);
template <class Type>
inline constexpr bool is_part =
    is_among<Type, StepContext, ContainerRecord, ResourceControl, HostResources, StageProcess, Streams, Walk>;

// Converts to a reference to the part that a parameter names, and to no other type.
class AnyPart {
  public:
    AnyPart(ExecutionContext& context, const StepContext& step) : context_(context), step_(step) {}

    template <class Wanted>
    requires is_part<std::remove_const_t<Wanted>>
    operator Wanted&() const {  // NOLINT(google-explicit-constructor): the conversion is the purpose
        using Bare = std::remove_const_t<Wanted>;
        if constexpr (std::same_as<Bare, StepContext>) return step_;
        if constexpr (std::same_as<Bare, ContainerRecord>) return context_.record;
        if constexpr (std::same_as<Bare, ResourceControl>) return context_.control;
        if constexpr (std::same_as<Bare, HostResources>) return context_.host;
        if constexpr (std::same_as<Bare, StageProcess>) return context_.stage;
        if constexpr (std::same_as<Bare, Streams>) return context_.streams;
        if constexpr (std::same_as<Bare, Walk>) return context_.walk;
    }

  private:
    ExecutionContext& context_;
    const StepContext& step_;
};

inline constexpr std::size_t most_parts = 6;

template <std::size_t>
using Part = const AnyPart&;

// The overloads of apply() and undo(), each as one callable.
struct Apply {
    template <class... Arguments>
    auto operator()(const Arguments&... arguments) const -> decltype(apply(arguments...)) {
        return apply(arguments...);
    }
};
struct TakeBack {
    template <class... Arguments>
    auto operator()(const Arguments&... arguments) const -> decltype(undo(arguments...)) {
        return undo(arguments...);
    }
};

template <class Callable, class Op, std::size_t... i>
constexpr bool takes_parts(std::index_sequence<i...>) {
    return std::is_invocable_v<Callable, const Op&, Part<i>...>;
}

// The number of parts that it takes after the op; more than most_parts: there is none for this op.
template <class Callable, class Op, std::size_t count = 0>
constexpr std::size_t parts_of() {
    if constexpr (count > most_parts || takes_parts<Callable, Op>(std::make_index_sequence<count>()))
        return count;
    else
        return parts_of<Callable, Op, count + 1>();
}

template <class Callable, class Op, std::size_t... i>
decltype(auto) call(const Op& op, const AnyPart& part, std::index_sequence<i...>) {
    return Callable()(op, (static_cast<void>(i), part)...);
}

template <class Op>
Result<> apply_with_parts(const Op& op, const AnyPart& part) {
    constexpr std::size_t count = parts_of<Apply, Op>();
    static_assert(count <= most_parts, "host_steps.hpp has no apply() for this step");
    return call<Apply>(op, part, std::make_index_sequence<count>());
}

// The vocabulary says of each step how it is undone, and host_steps.hpp has an undo() for those that undo
// themselves. Nothing is done for the others.
template <class Op>
void undo_with_parts(const Op& op, const AnyPart& part) {
    constexpr std::size_t count = parts_of<TakeBack, Op>();
    constexpr bool has_undo = count <= most_parts;
    static_assert(has_undo == (Op::undo.kind == plan::Undo::Kind::by_itself),
                  "the vocabulary and host_steps.hpp disagree: is there an undo() for this step?");
    if constexpr (has_undo) call<TakeBack>(op, part, std::make_index_sequence<count>());
}

}  // namespace bulkhead::runtime
