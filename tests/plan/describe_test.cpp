// SPDX-License-Identifier: Apache-2.0
// Every step of both vocabularies has a name of its own, and explain uses it.
#include "plan/describe.hpp"

#include <gtest/gtest.h>

#include <set>

#include "plan/explain.hpp"
#include "plan/support.hpp"

namespace bulkhead::plan::test {
namespace {

// The descriptions of empty steps; the arena answers every reference with an empty string.
template <class... Ops>
std::vector<Description> init_descriptions(Vocabulary<Ops...>) {
    alignas(8) char nothing[64] = {};
    const ArenaView arena(nothing);
    return {describe({InitStep::of(Ops{}), {}}, arena)...};
}

template <std::size_t... indices>
std::vector<Description> host_descriptions(std::index_sequence<indices...>) {
    const ArenaView arena(nullptr);
    return {describe({HostOp(std::in_place_index<indices>), {}}, arena)...};
}

std::vector<Description> every_description() {
    std::vector<Description> all = init_descriptions(InitVocabulary{});
    for (Description& host : host_descriptions(std::make_index_sequence<std::variant_size_v<HostOp>>()))
        all.push_back(std::move(host));
    return all;
}

bool is_snake_case(std::string_view word) {
    return !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == word.npos;
}

TEST(Describe, has_a_name_for_every_step) {
    const std::vector<Description> all = every_description();
    EXPECT_EQ(all.size(), InitVocabulary::size + std::variant_size_v<HostOp>);
    for (const Description& each : all) EXPECT_TRUE(is_snake_case(each.name)) << each.name;
}

TEST(Describe, gives_no_two_steps_the_same_name) {
    std::set<std::string> words;
    for (const Description& each : every_description())
        EXPECT_TRUE(words.insert(each.name).second) << each.name;
}

TEST(Describe, names_every_call_of_a_report) {
    for (unsigned call = 1; call < static_cast<unsigned>(Call::call_count); ++call)
        EXPECT_STRNE(name_of(static_cast<Call>(call)), "") << call;
    EXPECT_STREQ(name_of(Call::none), "");
    EXPECT_STREQ(name_of(Call::call_count), "");
}

TEST(Explain, prints_a_line_and_an_object_for_each_step) {
    const Timeline timeline = timeline_of("no-terminal", Mode::create, pure_host());
    const std::string text = explain_text(timeline), json = explain_json(timeline);
    const auto steps = static_cast<std::ptrdiff_t>(timeline.steps().size());
    EXPECT_EQ(std::ranges::count(text, '\n'), steps);
    EXPECT_EQ(std::ranges::count(json, '{'), steps);
}

TEST(Explain, lets_no_control_character_out) {
    TimelineBuilder builder;
    builder.host(WritePidFile{"/tmp/a\nb\x1b[31m"});
    const Timeline timeline = certain(std::move(builder).finish());
    EXPECT_EQ(std::ranges::count(explain_text(timeline), '\n'), 1);
    EXPECT_EQ(explain_text(timeline).find('\x1b'), std::string::npos);
    EXPECT_EQ(explain_json(timeline).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace bulkhead::plan::test
