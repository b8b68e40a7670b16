// SPDX-License-Identifier: Apache-2.0
// The whole lifecycle, held by the compiler.
#include "runtime/record/lifecycle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/files.hpp"
#include "base/sys.hpp"

namespace bulkhead::lifecycle {
namespace {

// --- rule(status, verb): what a verb may do

constexpr Rule ok = Rule::allowed, nop = Rule::nothing_to_do, kill1 = Rule::kill_first,
               none = Rule::does_not_exist, exists = Rule::already_exists, runs = Rule::already_running,
               ended = Rule::has_stopped, alive = Rule::not_stopped, idle = Rule::not_running,
               awake = Rule::not_paused, froze = Rule::cannot_exec_paused, still = Rule::cannot_start_paused,
               over = Rule::cannot_exec_stopped;

struct Row {
    Status status;
    std::array<Rule, 9> rules;  // in the order of `verbs`
};

// clang-format off
constexpr std::array plain{
    //                     create  start  pause  resume  kill   exec   update  delete  checkpoint
    Row{Status::removed,  {ok,     none,  none,  none,   none,  none,  none,   none,   none}},
    Row{Status::creating, {exists, none,  none,  none,   none,  none,  none,   none,   none}},
    Row{Status::created,  {exists, ok,    ok,    awake,  ok,    ok,    ok,     kill1,  idle}},
    Row{Status::running,  {exists, runs,  ok,    awake,  ok,    ok,    ok,     alive,  ok}},
    Row{Status::paused,   {exists, still, idle,  ok,     ok,    froze, ok,     alive,  ok}},
    Row{Status::stopped,  {exists, ended, idle,  awake,  idle,  over,  idle,   ok,     idle}},
};
// delete --force, kill --all, exec --ignore-paused
constexpr std::array forced{
    //                     create  start  pause  resume  kill   exec   update  delete  checkpoint
    Row{Status::removed,  {ok,     none,  none,  none,   none,  none,  none,   nop,    none}},
    Row{Status::creating, {exists, none,  none,  none,   none,  none,  none,   nop,    none}},
    Row{Status::created,  {exists, ok,    ok,    awake,  ok,    ok,    ok,     kill1,  idle}},
    Row{Status::running,  {exists, runs,  ok,    awake,  ok,    ok,    ok,     kill1,  ok}},
    Row{Status::paused,   {exists, still, idle,  ok,     ok,    ok,    ok,     kill1,  ok}},
    Row{Status::stopped,  {exists, ended, idle,  awake,  nop,   over,  idle,   ok,     idle}},
};
// clang-format on

constexpr bool holds(const std::array<Row, 6>& table, bool force) {
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        if (table[i].status != statuses[i]) return false;
        for (std::size_t j = 0; j < verbs.size(); ++j)
            if (rule(statuses[i], verbs[j], force) != table[i].rules[j]) return false;
    }
    return true;
}
static_assert(statuses.size() == 6 && verbs.size() == 9);
static_assert(holds(plain, false));
static_assert(holds(forced, true));

// The same at run time, for who measures coverage, and with a name for what differs.
TEST(Rule, IsTheTable) {
    for (const bool force : {false, true})
        for (const Row& row : force ? forced : plain)
            for (std::size_t j = 0; j < verbs.size(); ++j)
                EXPECT_EQ(rule(row.status, verbs[j], force), row.rules[j])
                    << word(row.status) << ' ' << word(verbs[j]) << (force ? " by force" : "");
}

TEST(Rule, OfAVerbThatIsNoneIsARefusal) {
    EXPECT_EQ(rule(Status::running, static_cast<Verb>(99)), Rule::does_not_exist);
}

// --- observe(facts): what a container is

constexpr Facts facts_of(unsigned bits) {
    return {.recorded = (bits & 1) != 0,
            .being_made = (bits & 2) != 0,
            .init_alive = (bits & 4) != 0,
            .start_awaited = (bits & 8) != 0,
            .frozen = (bits & 16) != 0};
}

// The first that holds decides.
constexpr Status expected(unsigned bits) {
    const auto has = [&](unsigned bit) { return (bits & bit) != 0; };
    if (!has(1)) return Status::removed;
    if (has(2)) return Status::creating;
    if (!has(4)) return Status::stopped;
    if (has(16)) return Status::paused;
    return has(8) ? Status::created : Status::running;
}

static_assert([] {
    for (unsigned bits = 0; bits < 32; ++bits)
        if (observe(facts_of(bits)) != expected(bits)) return false;
    return true;
}());

// Those that matter, spelled out.
static_assert(observe({}) == Status::removed);
static_assert(observe({.recorded = true}) == Status::stopped);
static_assert(observe({.recorded = true, .being_made = true, .init_alive = true, .frozen = true}) ==
              Status::creating);
static_assert(observe({.recorded = true, .init_alive = true}) == Status::running);
static_assert(observe({.recorded = true, .init_alive = true, .start_awaited = true}) == Status::created);
static_assert(observe({.recorded = true, .init_alive = true, .frozen = true}) == Status::paused);
static_assert(observe({.recorded = true, .init_alive = true, .start_awaited = true, .frozen = true}) ==
              Status::paused);

TEST(Observe, OfAllThirtyTwo) {
    for (unsigned bits = 0; bits < 32; ++bits) EXPECT_EQ(observe(facts_of(bits)), expected(bits)) << bits;
}

// --- the words

TEST(Words, OfStatusesAndVerbsAreRuncs) {
    std::string line;
    for (const Status status : statuses) line.append(word(status)).append(" ");
    for (const Verb verb : verbs) line.append(word(verb)).append(" ");
    EXPECT_EQ(line,
              "removed creating created running paused stopped "
              "create start pause resume kill exec update delete checkpoint ");
}

// --- the manual prints the same table

std::string_view short_word(Rule rule) {
    constexpr std::array words{"yes",    "noop", "kill",  "absent", "exists",   "started", "ended",
                               "frozen", "over", "alive", "idle",   "unpaused", "paused"};
    return words[static_cast<std::size_t>(rule)];
}

std::string padded(std::string_view text, std::size_t width) {
    std::string cell(text);
    cell.resize(std::max(width, cell.size()), ' ');
    return cell;
}

std::string manual_row(Verb verb, bool force) {
    std::string row = padded(cat(word(verb), force ? " force" : ""), 14);
    for (const Status status : statuses) row.append(padded(short_word(rule(status, verb, force)), 10));
    row.resize(row.find_last_not_of(' ') + 1);
    return cat('\n', row, '\n');
}

TEST(Manual, PrintsTheTable) {
    const std::string manual = *read_file_at(sys::here, BULKHEAD_SOURCE_DIR "/man/bulkhead.8", 1 << 20);
    for (const Verb verb : verbs) {
        EXPECT_NE(manual.find(manual_row(verb, false)), std::string::npos) << manual_row(verb, false);
        const auto same = [&](Status status) { return rule(status, verb, true) == rule(status, verb); };
        if (std::ranges::all_of(statuses, same))
            continue;  // there is no row for a force that changes nothing
        EXPECT_NE(manual.find(manual_row(verb, true)), std::string::npos) << manual_row(verb, true);
    }
}

TEST(Manual, ExplainsEachWord) {
    const std::string manual = *read_file_at(sys::here, BULKHEAD_SOURCE_DIR "/man/bulkhead.8", 1 << 20);
    for (int i = static_cast<int>(Rule::does_not_exist); i <= static_cast<int>(Rule::cannot_exec_paused);
         ++i) {
        const auto which = static_cast<Rule>(i);
        const std::string line = cat('\n', padded(short_word(which), 10), words(which), '\n');
        EXPECT_NE(manual.find(line), std::string::npos) << line;
    }
}

TEST(Words, OfRefusalsAreThoseEnginesMatchOn) {
    const std::pair<Rule, std::string_view> table[] = {
        {Rule::allowed, ""},
        {Rule::nothing_to_do, ""},
        {Rule::kill_first, ""},
        {Rule::does_not_exist, "container does not exist"},
        {Rule::already_exists, "container with given ID already exists"},
        {Rule::already_running, "cannot start an already running container"},
        {Rule::has_stopped, "cannot start a container that has stopped"},
        {Rule::not_stopped, "cannot delete a container that is not stopped"},
        {Rule::not_running, "container not running"},
        {Rule::not_paused, "container not paused"},
        {Rule::cannot_start_paused, "cannot start a container in the paused state"},
        {Rule::cannot_exec_stopped, "cannot exec in a stopped container"},
        {Rule::cannot_exec_paused, "cannot exec in a paused container (use --ignore-paused to override)"},
        {static_cast<Rule>(99), ""},
    };
    for (const auto& [which, text] : table) EXPECT_EQ(words(which), text);
}

TEST(Words, EveryRefusalHasSome) {
    for (const Rule which : {none, exists, runs, ended, alive, idle, awake, froze}) {
        EXPECT_TRUE(refuses(which));
        EXPECT_NE(words(which), "");
    }
    for (const Rule which : {ok, nop, kill1}) EXPECT_FALSE(refuses(which));
}

}  // namespace
}  // namespace bulkhead::lifecycle
