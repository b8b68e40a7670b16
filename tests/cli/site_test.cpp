// SPDX-License-Identifier: Apache-2.0
#include "cli/site.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/text.hpp"

namespace bulkhead::cli {
namespace {

TEST(DefaultRoot, DependsOnTheUserAndOnANonEmptyDirectoryOnly) {
    EXPECT_EQ(default_root({"", true, false}), "/run/bulkhead");
    EXPECT_EQ(default_root({"", false, false}), "/run/bulkhead");
    EXPECT_EQ(default_root({"/run/user/1000", false, false}), "/run/user/1000/bulkhead");
    EXPECT_EQ(default_root({"/run/user/1000", true, true}), "/run/user/1000/bulkhead");
    EXPECT_EQ(default_root({"/run/user/0", true, false}), "/run/bulkhead");  // crun #1238
}

std::string root_of(std::string given) {
    const Options options{.global = {.root = std::move(given)}};
    const auto site = site_of(options, {});
    return site ? site->root : cat("! ", site.error().text);
}

TEST(SiteOf, MakesTheRootAbsoluteAndClean) {
    const std::string here = std::filesystem::current_path();
    EXPECT_EQ(root_of("/run/x"), "/run/x");
    EXPECT_EQ(root_of("//run/./x/../y/"), "/run/y");
    EXPECT_EQ(root_of("states"), cat(here, "/states"));
    EXPECT_EQ(root_of("."), here);
    for (const char* top : {"/", "//", "/.", "/a/..", "/../.."})
        EXPECT_TRUE(root_of(top).starts_with("! --root: the root directory")) << top;
    EXPECT_EQ(root_of(""), "! --root: the path is empty");
}

TEST(SiteOf, KnowsAnExplicitRoot) {
    EXPECT_FALSE(site_of({}, {"", true, false})->root_is_explicit);
    Options options;
    options.global.root = "/run/bulkhead";
    EXPECT_TRUE(site_of(options, {})->root_is_explicit);
}

}  // namespace
}  // namespace bulkhead::cli
