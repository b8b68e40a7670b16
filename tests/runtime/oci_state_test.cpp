// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/oci_state.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace bulkhead::runtime {
namespace {

TEST(OciState, HasTheKeysOfTheStandardAndNoOthers) {
    const State state{.id = "box", .bundle = "/b", .annotations = {{"k", "v"}}};
    const auto json = nlohmann::json::parse(oci_state(state, "creating", 7));
    EXPECT_EQ(json, (nlohmann::json{{"ociVersion", "1.3.0"},
                                    {"id", "box"},
                                    {"status", "creating"},
                                    {"pid", 7},
                                    {"bundle", "/b"},
                                    {"annotations", {{"k", "v"}}}}));
}

TEST(OciState, WithoutAnnotationsHasAnEmptyObject) {
    EXPECT_EQ(nlohmann::json::parse(oci_state({.id = "box"}, "stopped", 0))["annotations"],
              nlohmann::json::object());
}

TEST(OciState, HostileTextStaysText) {
    const State state{
        .id = "box", .bundle = "/b\"},{\n", .annotations = {{"\",\"pid\":1,\"", "\x01\x7f\xff"}}};
    const auto json = nlohmann::json::parse(oci_state(state, "running", 7));
    EXPECT_EQ(json.size(), 6u);
    EXPECT_EQ(json["pid"], 7);
    EXPECT_EQ(json["bundle"], "/b\"},{\n");
    EXPECT_EQ(json["annotations"].size(), 1u);
}

TEST(InnermostPid, IsTheLastOfTheList) {
    EXPECT_EQ(innermost_pid("Name:\tx\nNSpid:\t4242\t17\t1\nNSpgid:\t9\n"), 1);
    EXPECT_EQ(innermost_pid("NSpid:\t4242\n"), 4242);
    for (const char* nothing : {"", "NSpid:\n", "NSpid:\t-1\n", "Pid:\t7\n", "xNSpid:\t7\n"})
        EXPECT_EQ(innermost_pid(nothing), 0) << nothing;
}

TEST(PidInside, OfAProcessThatIsNotThereIsNone) {
    constexpr pid_t no_pid = 1 << 22;  // the largest a kernel gives is one less
    EXPECT_EQ(pid_inside(no_pid), 0);
    EXPECT_GT(pid_inside(::getpid()), 0);
}

}  // namespace
}  // namespace bulkhead::runtime
