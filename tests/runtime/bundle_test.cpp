// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/bundle.hpp"

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/planning.hpp"

namespace bulkhead::runtime {
namespace {

using test::Folder;

class BundleFolder : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(::mkdirat(folder.fd(), "rootfs", 0755), 0);
        configure("{}");
    }
    void configure(const std::string& patch) const {
        test::write_text(folder / "config.json", test::config_with(patch));
    }
    Error refusal() const {
        const auto bundle = load_bundle(folder.path());
        return bundle ? Error{Kind::internal, 0, "it was taken"} : bundle.error();
    }

    Folder folder;
};

TEST_F(BundleFolder, HasAbsolutePaths) {
    const Bundle bundle = load_bundle(folder.path()).value();
    EXPECT_EQ(bundle.path, folder.path());
    EXPECT_EQ(bundle.root, folder / "rootfs");
    EXPECT_EQ(bundle.spec->process->args, std::vector<std::string>{"/bin/true"});
}

TEST_F(BundleFolder, IsTheSameHoweverItIsCalled) {
    test::in_child([&] {
        ASSERT_EQ(::chdir(folder.path().c_str()), 0);
        for (const std::string& path :
             {std::string(), std::string("."), std::string("./"), std::string("./."), folder.path() + "/",
              folder.path() + "//", folder.path() + "/./."})
            EXPECT_EQ(load_bundle(path).value().path, folder.path()) << path;
    });
}

TEST_F(BundleFolder, TakesAnAbsoluteRoot) {
    configure(R"({"root": {"path": "/tmp"}})");
    EXPECT_EQ(load_bundle(folder.path()).value().root, "/tmp");
}

TEST_F(BundleFolder, WithoutConfigSaysSoInRuncsWords) {
    ASSERT_EQ(::unlinkat(folder.fd(), "config.json", 0), 0);
    EXPECT_EQ(refusal().kind, Kind::not_found);
    EXPECT_EQ(refusal().text, "JSON specification file config.json not found");
}

TEST_F(BundleFolder, ThatIsMissingOrAFile) {
    EXPECT_EQ(load_bundle(folder / "missing").error().text,
              cat("open ", folder / "missing", ": no such file or directory"));
    EXPECT_EQ(load_bundle(folder / "config.json").error().err, ENOTDIR);
}

TEST_F(BundleFolder, ConfigMustBeAFile) {
    ASSERT_EQ(::unlinkat(folder.fd(), "config.json", 0), 0);
    ASSERT_EQ(::mkfifoat(folder.fd(), "config.json", 0666), 0);
    EXPECT_EQ(refusal().text, "config.json: not a regular file");
}

TEST_F(BundleFolder, ConfigIsBounded) {
    ASSERT_EQ(::truncate((folder / "config.json").c_str(), 17 << 20), 0);
    EXPECT_EQ(refusal().text, "config.json: larger than 16777216 bytes");
}

TEST_F(BundleFolder, ConfigIsParsedAndChecked) {
    test::write_text(folder / "config.json", "{");
    EXPECT_EQ(refusal().kind, Kind::invalid_config);
    configure(R"({"process": {"cwd": "relative"}})");
    EXPECT_TRUE(refusal().text.starts_with("config.json: /process/cwd:")) << refusal().text;
}

TEST_F(BundleFolder, RootThatIsMissingOrAFile) {
    configure(R"({"root": {"path": "none"}})");
    EXPECT_EQ(refusal().kind, Kind::not_found);
    EXPECT_EQ(refusal().text, cat("config.json: /root/path: invalid rootfs: \"", folder / "none",
                                  "\": no such file or directory"));
    configure(R"({"root": {"path": "config.json"}})");
    EXPECT_EQ(refusal().kind, Kind::invalid_config);
    EXPECT_EQ(refusal().text,
              cat("config.json: /root/path: \"", folder / "config.json", "\": not a directory"));
    configure(R"({"root": {"path": "config.json/x"}})");
    EXPECT_EQ(refusal().err, ENOTDIR);
    EXPECT_TRUE(refusal().text.starts_with("config.json: /root/path: stat "));
}

// --- layers

std::string with_layers(const std::string& list) {
    return cat(R"({"root": {"path": "missing"}, "annotations": {"run.bulkhead.overlay.lower": ")", list,
               "\"}}");
}

TEST_F(BundleFolder, NeedsNoRootWhereLayersMakeIt) {
    configure(with_layers(folder / "rootfs"));
    const Bundle bundle = load_bundle(folder.path()).value();
    EXPECT_EQ(bundle.root, folder / "missing");
    EXPECT_TRUE(check_layers(bundle.spec, {.lower = {folder.path()}, .upper = {}}));
    EXPECT_FALSE(check_layers(bundle.spec, {})) << "nobody allowed it";
}

TEST_F(BundleFolder, LayerThatIsMissingOrAFile) {
    test::write_text(folder / "file", "");
    for (const auto& [name, reason] :
         {std::pair("gone", "no such file or directory"), {"file", "not a directory"}}) {
        configure(with_layers(cat(folder / "rootfs", ":", folder / name)));
        const Bundle bundle = load_bundle(folder.path()).value();
        EXPECT_EQ(
            check_layers(bundle.spec, {.lower = {folder.path()}, .upper = {}}).error().text,
            cat("config.json: /annotations/run.bulkhead.overlay.lower: \"", folder / name, "\": ", reason));
    }
}

}  // namespace
}  // namespace bulkhead::runtime
