// SPDX-License-Identifier: Apache-2.0
// A step of the init lane as it travels to the stage. Freestanding.
#pragma once

#include "plan/vocabulary.hpp"

namespace bulkhead::plan {

// One step of the init lane as it travels: which verb, its place in the whole timeline, its bytes.
struct InitStep {
    static constexpr std::size_t capacity = 48;

    std::uint16_t op = 0;
    std::uint16_t number = 0;
    alignas(8) unsigned char payload[capacity] = {};

    template <class Op>
    static InitStep of(const Op& op) {
        static_assert(std::is_trivially_copyable_v<Op>, "only flat steps can travel to the stage");
        static_assert(sizeof(Op) <= capacity);
        InitStep step;
        step.op = InitVocabulary::index_of<Op>();
        __builtin_memcpy(step.payload, &op, sizeof op);
        return step;
    }
};
static_assert(std::is_trivially_copyable_v<InitStep> && sizeof(InitStep) == 56);

// Calls `visitor` with the step's typed struct. A verb without an overload does not compile.
template <class Result, class Visitor, class... Ops>
Result visit_as(const InitStep& step, Visitor&& visitor, Vocabulary<Ops...>) {
    Result result{};
    const auto try_one = [&]<class Op>(const Op*) {
        if (step.op != InitVocabulary::index_of<Op>()) return false;
        Op op;
        __builtin_memcpy(&op, step.payload, sizeof op);
        result = visitor(op);
        return true;
    };
    (void)(try_one(static_cast<const Ops*>(nullptr)) || ...);
    return result;
}

template <class Result, class Visitor>
Result visit(const InitStep& step, Visitor&& visitor) {
    return visit_as<Result>(step, visitor, InitVocabulary{});
}

}  // namespace bulkhead::plan
