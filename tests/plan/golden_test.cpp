// SPDX-License-Identifier: Apache-2.0
// The steps of every bundle, reviewed like code. UPDATE_GOLDEN=1 writes them anew; look at `git diff` then.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/yaml.hpp"
#include "plan/explain.hpp"
#include "plan/support.hpp"
#include "seccomp/default_profile.hpp"
#include "seccomp/profile_text.hpp"
#include "spec/defaults.hpp"
#include "spec/short_form/short_form.hpp"

namespace bulkhead::plan::test {
namespace {

const std::filesystem::path golden_directory = source_directory / "tests/plan/golden";

struct Golden {
    std::string name;  // of the file, without .txt
    std::string bundle;
    Mode mode;
    HostFacts host;
};

std::vector<Golden> goldens() {
    std::vector<Golden> list;
    for (const std::string& bundle : bundle_names())
        list.push_back({bundle, bundle, Mode::create, pure_host()});
    list.push_back({"no-terminal.run", "no-terminal", Mode::run, pure_host()});
    list.push_back({"no-terminal.hybrid", "no-terminal", Mode::create, hybrid_host()});
    for (const char* bundle : {"binds", "default", "every-hook", "overlay"})
        list.push_back({cat(bundle, ".oldest"), bundle, Mode::create, oldest_host()});
    return list;
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> list;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) list.push_back(line);
    return list;
}

// What stands between the common beginning and the common end of two texts.
std::string difference(const std::string& expected, const std::string& actual) {
    std::vector<std::string> left = lines(expected), right = lines(actual);
    const auto [from_left, from_right] = std::ranges::mismatch(left, right);
    left.erase(left.begin(), from_left);
    right.erase(right.begin(), from_right);
    while (!left.empty() && !right.empty() && left.back() == right.back()) {
        left.pop_back();
        right.pop_back();
    }
    std::string text;
    for (const std::string& line : left) text += "\n- " + line;
    for (const std::string& line : right) text += "\n+ " + line;
    return text;
}

class GoldenTest : public testing::TestWithParam<Golden> {};

TEST_P(GoldenTest, explains_the_same_steps) {
    const Golden& golden = GetParam();
    const std::filesystem::path file = golden_directory / (golden.name + ".txt");

    const std::string actual = explain_text(timeline_of(golden.bundle, golden.mode, golden.host));

    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(file, std::ios::binary) << actual;
    const std::string expected = read_text(file);
    EXPECT_EQ(difference(expected, actual), "") << file << " (UPDATE_GOLDEN=1 rewrites it)";
    EXPECT_EQ(expected, actual);
}

INSTANTIATE_TEST_SUITE_P(bundles, GoldenTest, testing::ValuesIn(goldens()), [](const auto& test) {
    std::string name = test.param.name;
    std::ranges::replace_if(
        name, [](char letter) { return letter == '-' || letter == '.'; }, '_');
    return name;
});

TEST(GoldenFiles, belong_to_a_bundle_each) {
    std::set<std::string> expected, found;
    for (const Golden& golden : goldens()) expected.insert(golden.name);

    for (const auto& entry : std::filesystem::directory_iterator(golden_directory))
        found.insert(entry.path().stem());

    EXPECT_EQ(found, expected);
}

TEST(GoldenFiles, show_a_difference) {
    EXPECT_EQ(difference("a\nb\nc\n", "a\nx\nc\n"), "\n- b\n+ x");
    EXPECT_EQ(difference("a\n", "a\nb\n"), "\n+ b");
    EXPECT_EQ(difference("a\n", "a\n"), "");
}

TEST(Bundles, default_is_what_spec_writes) { EXPECT_EQ(config_of("default"), spec::default_document()); }

// What bundles/NAME/bundle.yaml compiles to, or what is wrong with it.
std::string compiled(const std::filesystem::path& folder) {
    const auto form = yaml::parse(read_text(folder / "bundle.yaml"), "bundle.yaml");
    if (!form) return form.error().text;
    spec::short_form::FormInputs inputs{spec::default_document(),
                                        seccomp::profile_json(seccomp::default_profile()), ""};
    if (const auto path = spec::short_form::profile_path(*form); !path.empty())
        inputs.named_profile = read_text(folder / path);
    const auto document = spec::short_form::compile(*form, "bundle.yaml", inputs);
    return document ? *document : document.error().text;
}

TEST(Bundles, are_byte_for_byte_what_their_yaml_compiles_to) {
    for (const auto& entry : std::filesystem::directory_iterator(source_directory / "bundles")) {
        if (!entry.is_directory()) continue;
        const std::filesystem::path config = entry.path() / "config.json";
        const std::string document = compiled(entry.path());
        if (std::getenv("UPDATE_GOLDEN")) std::ofstream(config) << document;
        EXPECT_EQ(read_text(config), document) << config << " (UPDATE_GOLDEN=1 rewrites it)";
    }
}

TEST(Bundles, have_a_row_each_in_the_readme) {
    const std::string readme = read_text(source_directory / "bundles/README.md");
    for (const std::string& bundle : bundle_names())
        EXPECT_NE(readme.find("| `" + bundle + "` |"), std::string::npos) << bundle;
}

}  // namespace
}  // namespace bulkhead::plan::test
