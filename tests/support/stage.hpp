// SPDX-License-Identifier: Apache-2.0
// What a step of the init lane needs to be done by itself: an arena, slots, and a socket that a host would
// listen on.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "support/kernel_headers.hpp"
// then what includes base/raw.hpp
#include "plan/stage_context.hpp"

namespace bulkhead::test {

class Stage {
  public:
    plan::StageContext context{.arena = plan::ArenaView(bytes_.data()),
                               .slots = slots_.data(),
                               .anchors = anchors_.data(),
                               .report = -1};

    Stage() = default;
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    plan::Text text(std::string_view text) { return room(text, text.size() + 1); }
    plan::Text room(std::string_view text, std::size_t capacity) {
        const auto at = static_cast<std::uint32_t>(take(capacity));
        text.copy(bytes_.data() + at, text.size());
        return {at, static_cast<std::uint32_t>(text.size())};
    }
    plan::Texts texts(const std::vector<std::string>& list) {
        std::vector<plan::Text> stored;
        for (const std::string& string : list) stored.push_back(text(string));
        return {store(stored), static_cast<std::uint32_t>(list.size())};
    }
    plan::Numbers numbers(const std::vector<std::uint32_t>& list) {
        return {store(list), static_cast<std::uint32_t>(list.size())};
    }
    plan::Pointers pointers(std::size_t count) {
        return {store(std::vector<char*>(count)), static_cast<std::uint32_t>(count)};
    }
    plan::Slot slot(int fd) {
        slots_.at(slot_count_) = fd;
        return {slot_count_++};
    }

  private:
    std::size_t take(std::size_t size) {
        const std::size_t at = used_;
        used_ = (used_ + size + 7) & ~std::size_t{7};
        if (used_ > bytes_.size()) throw std::length_error("the test's arena is full");
        return at;
    }
    template <class Item>
    std::uint32_t store(const std::vector<Item>& items) {
        const std::size_t at = take(items.size() * sizeof(Item));
        if (!items.empty()) std::memcpy(bytes_.data() + at, items.data(), items.size() * sizeof(Item));
        return static_cast<std::uint32_t>(at);
    }

    alignas(8) std::array<char, 1 << 18> bytes_{};
    std::array<int, 16> slots_{};
    std::array<plan::Anchored, 16> anchors_{};
    std::uint16_t slot_count_ = 0;
    std::size_t used_ = 0;
};

inline ::testing::AssertionResult succeeded(plan::Outcome outcome) {
    if (outcome) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << plan::name_of(outcome.call) << ": " << errno_words(outcome.error);
}

inline ::testing::AssertionResult fails(plan::Outcome outcome, int error, plan::Call call) {
    if (outcome.error == error && outcome.call == call) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure()
           << "it is " << plan::name_of(outcome.call) << ": " << errno_words(outcome.error);
}

}  // namespace bulkhead::test
