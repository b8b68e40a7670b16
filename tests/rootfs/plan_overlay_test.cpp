// SPDX-License-Identifier: Apache-2.0
#include "rootfs/plan_overlay.hpp"

#include <algorithm>
#include <map>

#include "rootfs/plan.hpp"
#include "support/planning.hpp"

namespace bulkhead::rootfs {
namespace {

using Annotations = std::map<std::string, std::string>;

const OverlayGrants grants{{"/layers", "/more//of/./them/"}, {"/uppers", "/other//uppers/"}};
const std::string lower_pointer = "config.json: /annotations/run.bulkhead.overlay.lower: ";

spec::Spec spec_of(const Annotations& annotations, bool readonly = false) {
    spec::Spec spec;
    for (const auto& [name, value] : annotations)
        spec.annotations.emplace("run.bulkhead.overlay." + name, value);
    spec.root = spec::Root{"rootfs", readonly};
    return spec;
}

Overlay read(const Annotations& annotations, bool readonly = false) {
    auto overlay = read_overlay(spec_of(annotations, readonly), grants);
    if (!overlay) throw std::runtime_error(overlay.error().text);
    return overlay->value();
}

std::string refusal(const Annotations& annotations, bool readonly = false,
                    const OverlayGrants& from = grants) {
    const auto overlay = read_overlay(spec_of(annotations, readonly), from);
    if (overlay) return "it was taken";
    EXPECT_EQ(overlay.error().kind, Kind::invalid_config);
    return overlay.error().text;
}

std::string many(std::size_t count) {
    std::string list;
    for (std::size_t i = 0; i < count; ++i) list.append(cat(i == 0 ? "" : ":", "/layers/", i));
    return list;
}

TEST(OverlayPlan, IsNoneWithoutAnnotations) {
    spec::Spec spec = spec_of({});
    spec.annotations["run.bulkhead.other"] = "x";
    EXPECT_FALSE(read_overlay(spec, grants).value());
    EXPECT_FALSE(wants_overlay(spec));
    EXPECT_TRUE(wants_overlay(spec_of({{"lower", "/layers/a"}})));
}

TEST(OverlayPlan, CutsEachPathAtAnAllowedDirectory) {
    const Overlay overlay = read({{"lower", "/layers/top:/more/of/them//a/./b"}});
    EXPECT_EQ(pairs_of(overlay.lower), (std::vector<std::string>{"/layers", "top", "/more/of/them", "a/b"}));
    EXPECT_EQ(overlay.lower[0].pointer, "/annotations/run.bulkhead.overlay.lower");
    EXPECT_EQ(pairs_of(read({{"lower", "/layers"}}).lower), (std::vector<std::string>{"/layers", "."}));
}

TEST(OverlayPlan, TakesTheWidestAllowedDirectory) {
    const auto overlay = read_overlay(spec_of({{"lower", "/a/b/c"}}), {{"/a/b", "/a", "/a/b/c"}, {}}).value();
    EXPECT_EQ(pairs_of(overlay->lower), (std::vector<std::string>{"/a", "b/c"}));
    const auto root = read_overlay(spec_of({{"lower", "/a/b"}}), {{"/"}, {}}).value();
    EXPECT_EQ(pairs_of(root->lower), (std::vector<std::string>{"/", "a/b"}));
}

TEST(OverlayPlan, HasOneOfThreeUppers) {
    EXPECT_EQ(read({{"lower", "/layers/a"}}).size, "50%");
    EXPECT_EQ(read({{"lower", "/layers/a"}, {"size", "64M"}}).size, "64m");
    EXPECT_EQ(read({{"lower", "/layers/a"}, {"size", "4096"}}).size, "4096");
    const Overlay none = read({{"lower", "/layers/a"}}, true);
    EXPECT_EQ(none.size, "");
    EXPECT_TRUE(none.upper.empty());
    const Overlay kept = read({{"lower", "/layers/a"}, {"upper", "/uppers/u"}, {"work", "/uppers/w"}}, true);
    EXPECT_EQ(kept.size, "");
    EXPECT_EQ(pairs_of(kept.upper), (std::vector<std::string>{"/uppers", "u", "/uppers", "w"}));
}

TEST(OverlayPlan, RefusesPathsThatAreNotPlain) {
    for (const std::string path :
         {"layers/a", "", "/layers/../etc", "/layers/a/..", "/layers/a:b", "/layers/a:"}) {
        const std::string text = refusal({{"lower", path}});
        EXPECT_TRUE(text.starts_with(lower_pointer)) << text;
        EXPECT_TRUE(text.ends_with(": must be an absolute path without ..")) << text;
    }
}

TEST(OverlayPlan, RefusesWhatNobodyAllowed) {
    for (const std::string path : {"/", "/etc", "/layersx", "/layer", "/layers2/a", "/more/of"}) {
        const std::string text = refusal({{"lower", path}});
        EXPECT_NE(text.find("not below a directory that --overlay-from or bulkhead.yaml names"),
                  std::string::npos)
            << text;
        EXPECT_NE(text.find(bulkhead::quoted(path)), std::string::npos) << text;
    }
    EXPECT_EQ(refusal({{"lower", "/layers/a"}}, false, {}),
              lower_pointer +
                  "\"/layers/a\": no directory is allowed for layers; the flag --overlay-from names them, or "
                  "overlay-from in "
                  "bulkhead.yaml");
}

// A layer may be read, which is not to say that it may be written; nor the other way round.
TEST(OverlayPlan, KeepsTheTwoGrantsApart) {
    const std::string kept = "config.json: /annotations/run.bulkhead.overlay.";
    const std::string reason =
        ": not below a directory that --overlay-upper-from or bulkhead.yaml names (/uppers, /other//uppers/)";
    for (const std::string path : {"/layers/tenant", "/layers", "/etc", "/", "/uppersx", "/upper"}) {
        EXPECT_EQ(refusal({{"lower", "/layers/a"}, {"upper", path}, {"work", "/uppers/w"}}),
                  cat(kept, "upper: ", bulkhead::quoted(path), reason));
        EXPECT_EQ(refusal({{"lower", "/layers/a"}, {"upper", "/uppers/u"}, {"work", path}}),
                  cat(kept, "work: ", bulkhead::quoted(path), reason));
    }
    EXPECT_EQ(refusal({{"lower", "/uppers/tenant"}}),
              cat(lower_pointer,
                  "\"/uppers/tenant\": not below a directory that --overlay-from or "
                  "bulkhead.yaml names (/layers, /more//of/./them/)"));
    EXPECT_EQ(refusal({{"lower", "/layers/a"}, {"upper", "/layers/u"}, {"work", "/layers/w"}}, false,
                      {{"/layers"}, {}}),
              kept +
                  "upper: \"/layers/u\": no directory is allowed for upper and work directories; the flag "
                  "--overlay-upper-from names them, or overlay-upper-from in bulkhead.yaml");
    EXPECT_TRUE(refusal({{"lower", "/layers/a"}}, false, {{}, {"/layers"}}).starts_with(lower_pointer));
    const Annotations both{{"lower", "/both/a"}, {"upper", "/both/u"}, {"work", "/both/w"}};
    EXPECT_TRUE(read_overlay(spec_of(both), {{"/both"}, {"/both"}}).value()) << "an administrator may";
}

TEST(OverlayPlan, RefusesLayersInsideEachOther) {
    const std::pair<Annotations, std::string> table[] = {
        {{{"lower", "/layers/a:/layers/a"}}, "lower"},
        {{{"lower", "/layers/a/b:/layers/c:/layers/a"}}, "lower"},
        {{{"lower", "/layers/a"}, {"upper", "/layers/a/up"}, {"work", "/layers/w"}}, "upper"},
        {{{"lower", "/layers/a"}, {"upper", "/layers/w/up"}, {"work", "/layers/w"}}, "upper"},
        {{{"lower", "/layers/a"}, {"upper", "/layers/u"}, {"work", "/layers/u/w"}}, "work"},
    };
    for (const auto& [annotations, name] : table) {
        const std::string text = refusal(annotations, false, {{"/layers"}, {"/layers"}});
        EXPECT_TRUE(text.starts_with("config.json: /annotations/run.bulkhead.overlay." + name)) << text;
        EXPECT_NE(text.find("is the same as, or inside, "), std::string::npos) << text;
    }
    EXPECT_EQ(read({{"lower", "/layers/a:/layers/ab:/layers/a.b"}}).lower.size(), 3u);
}

TEST(OverlayPlan, RefusesHalfOfAPair) {
    const std::string kept = "config.json: /annotations/run.bulkhead.overlay.";
    EXPECT_EQ(refusal({{"lower", "/layers/a"}, {"upper", "/layers/u"}}),
              kept + "upper: \"/layers/u\": needs run.bulkhead.overlay.work beside it");
    EXPECT_EQ(refusal({{"lower", "/layers/a"}, {"work", "/layers/w"}}),
              kept + "work: \"/layers/w\": needs run.bulkhead.overlay.upper beside it");
    for (const std::string name : {"upper", "work", "size"})
        EXPECT_EQ(refusal({{name, "/layers/x"}}),
                  kept + name + ": \"/layers/x\": needs run.bulkhead.overlay.lower beside it");
}

TEST(OverlayPlan, RefusesASizeThatLimitsNothing) {
    const Annotations both{
        {"lower", "/layers/a"}, {"upper", "/uppers/u"}, {"work", "/uppers/w"}, {"size", "1m"}};
    EXPECT_NE(refusal(both).find("limits an upper directory that is thrown away"), std::string::npos);
    EXPECT_NE(refusal({{"lower", "/layers/a"}, {"size", "1m"}}, true).find("/root/readonly is true"),
              std::string::npos);
}

TEST(OverlayPlan, RefusesSizesThatAreNone) {
    for (const std::string size : {"", "0", "0m", "-1", "1.5g", "50%", "1t", "m", "1 m", "1mm", "1m,mode=777",
                                   "9223372036854775808", "8589934592g"}) {
        const std::string text = refusal({{"lower", "/layers/a"}, {"size", size}});
        EXPECT_TRUE(text.starts_with("config.json: /annotations/run.bulkhead.overlay.size: ")) << text;
        EXPECT_TRUE(text.ends_with("must be a number of bytes, or one with k, m or g behind it")) << text;
    }
    EXPECT_EQ(read({{"lower", "/layers/a"}, {"size", "8589934591g"}}).size, "8589934591g");
}

TEST(OverlayPlan, RefusesUnknownNames) {
    EXPECT_EQ(refusal({{"lower", "/layers/a"}, {"uper/~", "x"}}),
              "config.json: /annotations/run.bulkhead.overlay.uper~1~0: \"x\": there is no such annotation");
}

TEST(OverlayPlan, KnowsTheKernelsLimit) {
    EXPECT_EQ(read({{"lower", many(500)}}).lower.size(), 500u);
    EXPECT_EQ(refusal({{"lower", many(501)}}), lower_pointer + "501 layers; the kernel takes 500");
}

// --- the step

const std::string patch = R"({"annotations": {"run.bulkhead.overlay.lower": "/layers/a:/layers/b"}})";

plan::Timeline planned(const std::string& config, const plan::HostFacts& host) {
    const spec::ValidSpec spec = test::spec_with(config);
    const MountInputs inputs{.root = "/bundle/rootfs", .overlay_grants = {{"/layers"}, {}}, .host = host};
    plan::TimelineBuilder timeline;
    const Trees trees = plan_trees(timeline, spec, inputs).value();
    timeline.host(plan::Spawn{0});
    auto layout = plan_content(timeline, spec, inputs, trees);
    EXPECT_TRUE(layout);
    plan_seal(timeline, spec, inputs, trees, std::move(*layout));
    timeline.init(plan::Execute{});
    return test::finished(std::move(timeline));
}

TEST(OverlayPlan, TakesThePlaceOfTheRootsClone) {
    const auto lines = test::lines_of(planned(patch, {.kernel_major = 6, .kernel_minor = 18}));
    const std::string overlay =
        "init mount_overlay 2 layer(s), upper on a tmpfs of 50% "
        "(/annotations/run.bulkhead.overlay.lower)";
    EXPECT_EQ(std::ranges::count(lines, overlay), 1);
    for (const std::string& line : lines) {
        EXPECT_FALSE(line.starts_with("init attach_root")) << line;
        EXPECT_EQ(line.find("/bundle/rootfs"), std::string::npos) << line;
    }
}

TEST(OverlayPlan, FollowsTheKernelAndTheUserNamespace) {
    const auto step = [](const plan::HostFacts& host) {
        return test::ops_of<plan::MountOverlay>(planned(patch, host)).at(0);
    };
    EXPECT_EQ(step({.kernel_major = 6, .kernel_minor = 6}).by_parameter, 0u);
    EXPECT_EQ(step({.kernel_major = 6, .kernel_minor = 7}).by_parameter, 1u);
    EXPECT_EQ(step({.kernel_major = 6, .kernel_minor = 7}).user_xattr, 0u);
    EXPECT_EQ(step({.kernel_major = 6, .kernel_minor = 7, .privileged = false}).user_xattr, 1u);
    EXPECT_EQ(step({.kernel_major = 6, .kernel_minor = 7, .initial_user_namespace = false}).user_xattr, 1u);
}

}  // namespace
}  // namespace bulkhead::rootfs
