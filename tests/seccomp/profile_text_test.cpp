// SPDX-License-Identifier: Apache-2.0
#include "seccomp/profile_text.hpp"

#include <gtest/gtest.h>

#include "interpreter.hpp"
#include "seccomp/cache.hpp"

namespace bulkhead::seccomp::test {
namespace {

TEST(ProfileText, SaysEverything) {
    EXPECT_EQ(profile_json(profile(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,
        "architectures":["SCMP_ARCH_X86","SCMP_ARCH_ARM"],"flags":["SECCOMP_FILTER_FLAG_LOG"],
        "listenerPath":"/a\"b","listenerMetadata":"m","syscalls":[
        {"names":["a","b"],"action":"SCMP_ACT_ERRNO","errnoRet":1,
         "args":[{"index":1,"value":2,"valueTwo":3,"op":"SCMP_CMP_MASKED_EQ"},{"index":0,"value":4,"op":"SCMP_CMP_GT"}]},
        {"names":["c"],"action":"SCMP_ACT_LOG"}]})")),
              "{\n\t\t\t\"defaultAction\": \"SCMP_ACT_ERRNO\",\n\t\t\t\"defaultErrnoRet\": 38,\n\t\t\t"
              "\"architectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_ARM\"],\n\t\t\t"
              "\"flags\": [\"SECCOMP_FILTER_FLAG_LOG\"],\n\t\t\t\"listenerPath\": \"/a\\\"b\",\n\t\t\t"
              "\"listenerMetadata\": \"m\",\n\t\t\t\"syscalls\": [\n\t\t\t\t"
              "{\"names\": [\"a\", \"b\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1, \"args\": ["
              "{\"index\": 1, \"value\": 2, \"valueTwo\": 3, \"op\": \"SCMP_CMP_MASKED_EQ\"}, "
              "{\"index\": 0, \"value\": 4, \"op\": \"SCMP_CMP_GT\"}]},\n\t\t\t\t"
              "{\"names\": [\"c\"], \"action\": \"SCMP_ACT_LOG\"}\n\t\t\t]\n\t\t}");
}

TEST(ProfileText, TellsNoFlagsFromAnEmptyList) {
    EXPECT_FALSE(profile_json(profile(R"({"defaultAction":"SCMP_ACT_ALLOW"})")).contains("flags"));
    EXPECT_TRUE(
        profile_json(profile(R"({"defaultAction":"SCMP_ACT_ALLOW","flags":[]})")).contains("\"flags\": []"));
}

TEST(ProfileText, BreaksLongListsOfNames) {
    spec::Seccomp many = profile(R"({"defaultAction":"SCMP_ACT_ALLOW"})");
    many.syscalls.push_back({std::vector<std::string>(100, "a_call"), spec::SeccompAction::log, {}, {}});
    const std::string text = profile_json(many);
    for (const std::string_view line : split(text, '\n')) {
        EXPECT_LT(line.size(), 140u);
        EXPECT_FALSE(line.ends_with(' ')) << line;
    }
    EXPECT_EQ(cache_key(profile(text)), cache_key(many));
}

}  // namespace
}  // namespace bulkhead::seccomp::test
