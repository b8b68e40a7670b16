// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/events.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>

#include "base/sys.hpp"
#include "cgroups/group/events.hpp"
#include "cgroups/group/walk.hpp"
#include "cgroups/resctrl/resctrl_stats.hpp"
#include "cgroups/statistics/stats.hpp"
#include "runtime/container/observe.hpp"
#include "runtime/container/refusal.hpp"
#include "runtime/record/identity.hpp"

namespace bulkhead::runtime {

using lifecycle::Rule;
using lifecycle::Status;

namespace {

std::unexpected<Error> not_running(const std::string& id) {
    return fail(Kind::bad_state, "container with id ", id, " is not running");
}

// A container that runs (or waits, or is paused) and its cgroup.
struct Subject {
    State state;
    Fd cgroup;
};

Result<Subject> find_subject(const Site& site, const std::string& id) {
    LET(Found found, find(site, id));
    if (found.status == Status::removed || found.status == Status::creating)
        return refusal(Rule::does_not_exist, id, found.status);
    if (found.status == Status::stopped) return not_running(id);
    LET(Fd cgroup, open_own_cgroup(found.state));
    if (!cgroup) return no_cgroup(id, "there are no numbers about it");
    return Subject{std::move(found.state), std::move(cgroup)};
}

// While the kernel removes a cgroup, its files go one after the other. A cgroup with processes in it is not
// being removed, so a missing file is an error then.
Result<std::optional<cgroups::Stats>> whole_sample(const Subject& subject, const cgroups::Events& events) {
    auto sample = cgroups::read_stats(subject.cgroup.number());
    if (!sample && !cgroups::is_gone(sample.error())) return std::unexpected(std::move(sample).error());
    const auto populated = events.flag("populated");
    if (!populated && !cgroups::is_gone(populated.error())) return std::unexpected(populated.error());
    if (!sample || !populated || !*populated) return std::nullopt;
    const RdtRecord& rdt = subject.state.rdt;
    if (!rdt.mount.empty()) {
        LET(sample->rdt, cgroups::read_rdt_stats(rdt.mount, rdt.path, rdt.monitoring));
    }
    return std::move(*sample);
}

class Watch {
  public:
    static Result<Watch> start(Subject subject, std::uint64_t interval_ns, const Audience& audience) {
        LET(cgroups::Events events, cgroups::Events::open(subject.cgroup.number()));
        Watch watch(std::move(subject), std::move(events), interval_ns, audience);
        TRY(watch.find_oom_events());
        return watch;
    }

    Result<> until_gone() {
        for (;;) {
            LET(const bool there, look());
            TRY(tell_of_kills());  // after the look, because a kill may have ended the container
            if (!there) return {};
            TRY(wait());
        }
    }

  private:
    Watch(Subject subject, cgroups::Events events, std::uint64_t interval_ns, const Audience& audience)
        : subject_(std::move(subject)),
          init_(open_init(subject_.state).value_or(Fd())),
          events_(std::move(events)),
          interval_(interval_ns),
          next_(sys::monotonic_ns() + interval_ns),
          audience_(audience) {}

    // The memory controller may be enabled later (`update` of a limit).
    Result<> find_oom_events() {
        auto found = cgroups::OomEvents::open(subject_.cgroup.number());
        if (!found && cgroups::is_gone(found.error())) return {};
        if (!found) return std::unexpected(std::move(found).error());
        oom_ = std::move(*found);
        kills_ = oom_->kills().value_or(0);
        return {};
    }

    Result<> tell_of_kills() {
        if (!oom_) return find_oom_events();
        const auto kills = oom_->kills();
        if (!kills && !cgroups::is_gone(kills.error())) return std::unexpected(kills.error());
        if (!kills) oom_.reset();  // of the cgroup or of its memory controller alone; poll(2) would not sleep
        if (!kills || *kills <= kills_) return {};
        kills_ = *kills;
        return audience_.oom();
    }

    // False if nothing is left to watch.
    Result<bool> look() {
        const std::uint64_t now = sys::monotonic_ns();
        if (now < next_) {
            const auto populated = events_.flag("populated");
            if (!populated && !cgroups::is_gone(populated.error())) return populated;
            return populated && *populated;
        }
        next_ += ((now - next_) / interval_ + 1) * interval_;
        LET(const auto sample, whole_sample(subject_, events_));
        if (!sample) return false;
        TRY(audience_.sample(*sample));
        return true;
    }

    // Until something happens or the next sample is due. EPIPE if nobody listens any more.
    Result<> wait() {
        pollfd entries[] = {{audience_.output, 0, 0},
                            {events_.number(), POLLPRI, 0},
                            {oom_ ? oom_->number() : -1, POLLPRI, 0},
                            {init_.number(), POLLIN, 0}};
        const std::uint64_t ns = patience();
        const timespec time{static_cast<time_t>(ns / second_ns), static_cast<long>(ns % second_ns)};
        if (::ppoll(entries, std::size(entries), &time, nullptr) == -1)
            return errno == EINTR ? Result<>() : system_error(errno, "ppoll");
        if (entries[2].revents != 0) again_ = cgroups::BackOff(again_ms);
        if (entries[3].revents != 0) init_.reset();
        return entries[0].revents == 0 ? Result<>() : system_error(EPIPE, "write", "output");
    }

    // After init's end others may live on if the pid namespace is not the container's own. The notice of
    // their end is lost if the cgroup is removed within 10 ms of another one, so the watch looks from time to
    // time then.
    std::uint64_t patience() {
        const std::uint64_t now = sys::monotonic_ns();
        std::uint64_t ns = next_ > now ? next_ - now : 0;
        if (!init_) ns = std::min(ns, second_ns / 10);
        const std::uint64_t soon = again_.next();
        return soon == 0 ? ns : std::min(ns, soon);
    }

    static constexpr std::uint64_t second_ns = 1'000'000'000;
    static constexpr int again_ms = 20;

    Subject subject_;
    Fd init_;  // its pidfd, until it has ended
    cgroups::Events events_;
    std::optional<cgroups::OomEvents> oom_;
    std::uint64_t kills_ = 0;
    std::uint64_t interval_;
    std::uint64_t next_;  // when the next sample is due
    cgroups::BackOff again_{0};
    const Audience& audience_;
};

}  // namespace

Result<cgroups::Stats> stats(const Site& site, const std::string& id) {
    LET(const Subject subject, find_subject(site, id));
    LET(const auto events, cgroups::Events::open(subject.cgroup.number()));
    LET(auto sample, whole_sample(subject, events));
    if (!sample) return not_running(id);
    return std::move(*sample);
}

Result<> watch(const Site& site, const std::string& id, std::uint64_t interval_ns, const Audience& audience) {
    LET(Subject subject, find_subject(site, id));
    LET(Watch watch, Watch::start(std::move(subject), interval_ns, audience));
    return watch.until_gone();
}

}  // namespace bulkhead::runtime
