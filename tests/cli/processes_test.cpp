// SPDX-License-Identifier: Apache-2.0
#include "cli/processes.hpp"

#include <gtest/gtest.h>

namespace bulkhead::cli {
namespace {

constexpr std::string_view printed =
    "UID        PID  PPID CMD\n"
    "root         1     0 init\n"
    "root        12     1 sleep 3\n"
    "root       123    12 12 is not its pid\n"
    "\n"
    "root         3     1 sh";

std::string error_of(std::string_view text) {
    const auto table = processes_table(text, {1});
    return table ? "none" : table.error().text;
}

TEST(ProcessesJson, IsOneLineOrNull) {
    EXPECT_EQ(processes_json({}), "null\n");
    EXPECT_EQ(processes_json({7}), "[7]\n");
    EXPECT_EQ(processes_json({1, 22, 333}), "[1,22,333]\n");
}

TEST(ProcessesTable, KeepsTheHeaderAndTheRowsOfThosePids) {
    EXPECT_EQ(processes_table(printed, {3, 12}).value(),
              "UID        PID  PPID CMD\n"
              "root        12     1 sleep 3\n"
              "root         3     1 sh\n");
    EXPECT_EQ(processes_table(printed, {}).value(), "UID        PID  PPID CMD\n");
    EXPECT_EQ(processes_table(printed, {99}).value(), "UID        PID  PPID CMD\n");
}

TEST(ProcessesTable, FindsTheColumnWhereverItIs) {
    EXPECT_EQ(processes_table("  PID\n    7\n    8\n", {7}).value(), "  PID\n    7\n");
    EXPECT_EQ(processes_table("PPID PID\n 7 8\n 8 7\n", {7}).value(), "PPID PID\n 8 7\n");
}

TEST(ProcessesTable, NeedsThatColumn) {
    EXPECT_EQ(error_of("COMMAND\nsh\n"), "couldn't find PID field in ps output");
    EXPECT_EQ(error_of("PPID SPID\n1 2\n"), "couldn't find PID field in ps output");
    EXPECT_EQ(error_of(""), "couldn't find PID field in ps output");
}

TEST(ProcessesTable, RefusesRowsWithoutANumberThere) {
    EXPECT_EQ(error_of("USER PID\nroot one\n"), "unable to parse pid: \"one\"");
    EXPECT_EQ(error_of("USER PID\nroot\n"), "unable to parse pid: \"\"");
    EXPECT_EQ(error_of("USER PID\nroot -1\n"), "unable to parse pid: \"-1\"");
}

TEST(ProcessesTable, EscapesWhatProcessesCallThemselves) {
    EXPECT_EQ(processes_table("PID CMD\n7 \x1b[2J\n", {7}).value(), "PID CMD\n7 \\x1b[2J\n");
}

}  // namespace
}  // namespace bulkhead::cli
