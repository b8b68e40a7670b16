// SPDX-License-Identifier: Apache-2.0
// events on a container on record, whose processes are children of this test, in a real cgroup.
#include <thread>

#include "base/waiting.hpp"
#include "recorded_container.hpp"
#include "runtime/container/events.hpp"

namespace bulkhead::runtime {
namespace {

constexpr std::uint64_t ms = 1'000'000, hour = 3'600'000 * ms;

class Watching : public RecordedContainer {
  protected:
    // Whoever is told counts.
    Audience audience(std::function<void()> at_sample = [] {}) {
        return {.sample = [this, at_sample = std::move(at_sample)](const cgroups::Stats& stats) -> Result<> {
                    ++samples;
                    last = stats;
                    at_sample();
                    return {};
                },
                .oom = [this]() -> Result<> {
                    ++ooms;
                    return {};
                }};
    }
    // Kills everything in a while, and collects it: a zombie is still in its cgroup.
    std::thread end_after(int milliseconds) {
        return std::thread([this, milliseconds] {
            sys::pause(milliseconds);
            (void)cgroups::kill_all(group.number());
            while (!children.empty()) end_of(children.front());
        });
    }

    int samples = 0;
    int ooms = 0;
    cgroups::Stats last;
};

TEST_F(Watching, OneSampleHasItsProcesses) {
    record(start());
    start();
    start(false);
    EXPECT_EQ(stats(site(), "box")->pids.current, 2u);
    (void)::kill(children.back(), SIGKILL);
}

TEST_F(Watching, ACgroupThatIsEmptyHasNone) {
    record(start(false));  // one that is being removed has files that are gone, too
    EXPECT_EQ(stats(site(), "box").error().text, "container with id box is not running");
    EXPECT_TRUE(watch(site(), "box", ms, audience()));
    EXPECT_EQ(samples, 0);
    (void)::kill(state.pid, SIGKILL);
}

TEST_F(Watching, WhatIsNotThereIsRefusedInRuncsWords) {
    for (const bool once : {true, false}) {
        const auto error_of = [&](const std::string& id) {
            if (once) return stats(site(), id).error().text;
            return watch(site(), id, ms, audience()).error().text;
        };
        EXPECT_EQ(error_of("other"), "container does not exist: other");
        record(start());
        (void)::kill(state.pid, SIGKILL);
        end_of(state.pid);
        EXPECT_EQ(error_of("box"), "container with id box is not running");
        forget_cgroup();
        record(start());
        EXPECT_EQ(error_of("box"),
                  "container box: it has no cgroup of its own, so there are no numbers about it");
        (void)::kill(state.pid, SIGKILL);
        end_of(state.pid);
        remember_cgroup();
    }
    EXPECT_EQ(samples, 0);
}

TEST_F(Watching, SamplesUntilTheLastProcessHasEnded) {
    record(start());
    start();
    std::thread killer;
    const auto act = [&] {
        if (samples == 3) (void)::kill(state.pid, SIGKILL);
        if (samples == 3) end_of(state.pid);
        if (samples == 6) killer = end_after(10);
    };
    ASSERT_TRUE(watch(site(), "box", 20 * ms, audience(act)));
    killer.join();
    EXPECT_GE(samples, 6);
    EXPECT_EQ(last.pids.current, 1u);
    EXPECT_EQ(ooms, 0);
}

TEST_F(Watching, EndsLongBeforeTheNextSample) {
    record(start());
    std::thread killer = end_after(50);
    const std::uint64_t begin = sys::monotonic_ns();
    EXPECT_TRUE(watch(site(), "box", hour, audience()));
    EXPECT_LT(sys::monotonic_ns() - begin, 5000 * ms);
    killer.join();
    EXPECT_EQ(samples, 0);
}

TEST_F(Watching, EndsWhenItsAudienceDoes) {
    record(start());
    Audience refusing = audience();
    refusing.sample = [](const cgroups::Stats&) -> Result<> { return fail(Kind::kernel, "enough"); };
    EXPECT_EQ(watch(site(), "box", ms, refusing).error().text, "enough");

    sys::Pipe pipe = sys::pipe().value();
    Audience gone = audience();
    gone.output = pipe.writer.number();
    std::thread closer([&] {
        sys::pause(50);
        pipe.reader.reset();
    });
    EXPECT_EQ(watch(site(), "box", hour, gone).error().err, EPIPE);
    closer.join();
}

TEST_F(Watching, LeavesOutSamplesThatComeTooLate) {
    record(start());
    std::thread killer;
    std::uint64_t second = 0, fifth = 0;
    const auto act = [&] {
        if (samples == 1) sys::pause(1000);
        if (samples == 2) second = sys::monotonic_ns();
        if (samples == 5) fifth = sys::monotonic_ns();
        if (samples == 5) killer = end_after(0);
    };
    ASSERT_TRUE(watch(site(), "box", 100 * ms, audience(act)));
    killer.join();
    EXPECT_GE(fifth - second, 150 * ms) << "they have come all at once";
}

}  // namespace
}  // namespace bulkhead::runtime
