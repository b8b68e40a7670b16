// SPDX-License-Identifier: Apache-2.0
#include "spec/unsupported.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace bulkhead::spec::test {
namespace {

// A row of the table, a value that asks for it, and the nearest one that does not.
struct Row {
    std::string_view pointer;
    std::string_view value;
    std::string put;
    std::string_view asking;
    std::string_view not_asking = "null";
};

const Row rows[] = {
    {"/linux/intelRdt", "", "/linux/intelRdt", R"({"schemata":["x"]})", "{}"},
};

// The rows of the table that a document with this value asks for.
std::vector<std::string> asked_for(const std::string& pointer, std::string_view value) {
    const auto spec = parse(with(pointer, value));
    EXPECT_TRUE(spec) << spec.error().text;
    std::vector<std::string> found;
    for (const Unsupported& row : unsupported_properties())
        if (row.asked_for(*spec)) found.push_back(cat(row.pointer, " ", row.value));
    return found;
}

TEST(Unsupported, has_a_document_for_every_row_of_the_table) {
    std::vector<std::string> tested;
    std::vector<std::string> table;
    for (const Row& row : rows) tested.push_back(cat(row.pointer, " ", row.value));
    for (const Unsupported& row : unsupported_properties()) table.push_back(cat(row.pointer, " ", row.value));
    EXPECT_EQ(tested, table);
}

TEST(Unsupported, is_asked_for_by_one_document_and_not_by_its_twin) {
    for (const Row& row : rows) {
        const std::string itself = cat(row.pointer, " ", row.value);
        EXPECT_EQ(asked_for(row.put, row.asking), std::vector{itself});
        EXPECT_EQ(asked_for(row.put, row.not_asking), std::vector<std::string>{}) << itself;
    }
}

TEST(Unsupported, is_an_error_of_its_own_kind_that_names_the_pointer) {
    for (const Row& row : rows) {
        const auto supported = check_supported(*parse(with(row.put, row.asking)));
        ASSERT_FALSE(supported) << row.pointer;
        EXPECT_EQ(supported.error().kind, Kind::unsupported);
        EXPECT_EQ(supported.error().text, cat("config.json: ", row.pointer, row.value.empty() ? "" : ": ",
                                              row.value, ": not supported yet"));
    }
}

TEST(Unsupported, is_what_validate_looks_at_last) {
    const std::string policy = with("/linux/intelRdt", R"({"closID":"x"})");
    EXPECT_EQ(verdict(policy), "config.json: /linux/intelRdt: not supported yet");
    EXPECT_EQ(verdict(put(policy, "/process/cwd", "\"x\"")),
              "config.json: /process/cwd: \"x\": Cwd must be an absolute path");
}

// runc reads these on cgroup v1 and ignores them on v2; execCPUAffinity concerns exec only.
TEST(Unsupported, is_not_what_a_cgroup_v2_host_ignores) {
    const std::pair<const char*, const char*> table[] = {
        {"/linux/resources/memory",
         R"({"kernel":1,"kernelTCP":1,"swappiness":60,"disableOOMKiller":true,"useHierarchy":true,"checkBeforeUpdate":true})"},
        {"/linux/resources/cpu", R"({"realtimeRuntime":1,"realtimePeriod":1})"},
        {"/linux/resources/blockIO", R"({"leafWeight":10})"},
        {"/linux/resources/network", R"({"classID":1,"priorities":[{"name":"eth0","priority":1}]})"},
        {"/linux/resources/pids", "{}"},
        {"/linux/resources/memory", "{}"},
        {"/linux/resources", "{}"},
        {"/process/execCPUAffinity", R"({"initial":"0"})"},
    };
    for (const auto& [pointer, value] : table) EXPECT_EQ(verdict(with(pointer, value)), "fine") << pointer;
}

}  // namespace
}  // namespace bulkhead::spec::test
