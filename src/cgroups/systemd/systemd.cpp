// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/systemd.hpp"

#include "base/text.hpp"
#include "cgroups/systemd/unit_properties.hpp"

namespace bulkhead::cgroups {

namespace {

using Texts = std::vector<std::string>;

// The helper has its own deadlines and names the side that did not answer; these are for a helper that hangs.
constexpr int address_ms = 11'000;
constexpr int call_ms = 60'000;
constexpr int job_ms = 120'000;

void add(Texts& words, std::span<const plan::UnitProperty> properties) {
    for (const plan::UnitProperty& each : properties) {
        words.insert(words.end(), {each.name, each.signature, cat(each.values.size())});
        words.insert(words.end(), each.values.begin(), each.values.end());
    }
}

// Turns D-Bus's name of an error into a Kind and keeps its sentence.
Error error_of(const std::string& name, const std::string& text) {
    const Kind kind = name == "org.freedesktop.systemd1.UnitExists"       ? Kind::exists
                      : name == "org.freedesktop.DBus.Error.AccessDenied" ? Kind::denied
                                                                          : Kind::kernel;
    return Error{kind, 0, quotable(text, 1024)};
}

}  // namespace

Result<Texts> Systemd::ask(const Texts& words, std::size_t answers, int deadline_ms) {
    auto answer = helper_.ask(message_of(words), deadline_ms);
    if (!answer) return std::unexpected(std::move(answer).error().under("host-helper systemd"));
    Texts said = words_of(*answer);
    if (said.size() == 3 && said[0] == "error") return std::unexpected(error_of(said[1], said[2]));
    if (said.size() != 1 + answers || said[0] != "ok")
        return fail(Kind::internal, "host-helper systemd: not an answer: ", quoted(*answer));
    said.erase(said.begin());
    return said;
}

Result<Systemd> Systemd::connect(const std::string& helper, const Texts& addresses) {
    Texts arguments{"systemd"};
    arguments.insert(arguments.end(), addresses.begin(), addresses.end());
    LET(Companion companion, Companion::start(helper, arguments));
    Systemd systemd(std::move(companion));
    auto manager = systemd.ask({"hello"}, 2, address_ms * static_cast<int>(addresses.size()) + call_ms);
    if (!manager) {
        Error error = std::move(manager).error().under("cannot talk to systemd");
        error.kind = Kind::unsupported;
        return std::unexpected(std::move(error));
    }
    systemd.version_ = systemd_version((*manager)[0]);
    systemd.cgroup_ = (*manager)[1];
    return systemd;
}

Result<StartedUnit> Systemd::start_unit(const std::string& name, pid_t first,
                                        std::span<const plan::UnitProperty> properties) {
    Texts words{"start-unit", name, cat(first)};
    add(words, properties);
    auto answer = ask(words, 2, job_ms);
    if (!answer)
        return std::unexpected(std::move(answer).error().under(cat("unable to start unit ", quoted(name))));
    return StartedUnit{(*answer)[0], (*answer)[1]};
}

Result<> Systemd::set_properties(const std::string& invocation,
                                 std::span<const plan::UnitProperty> properties) {
    Texts words{"set-properties", invocation};
    add(words, properties);
    auto answer = ask(words, 0, call_ms);
    if (!answer) return std::unexpected(std::move(answer).error().under("unable to set unit properties"));
    return {};
}

Result<> Systemd::stop_unit(const std::string& name, const std::string& invocation) {
    auto answer = ask({"stop-unit", name, invocation}, 0, job_ms);
    if (!answer)
        return std::unexpected(std::move(answer).error().under(cat("unable to stop unit ", quoted(name))));
    return {};
}

Result<> Systemd::attach_process(const std::string& name, const std::string& below, pid_t pid) {
    auto answer = ask({"attach-process", name, below, cat(pid)}, 0, call_ms);
    if (!answer)
        return std::unexpected(std::move(answer).error().under(
            cat("unable to move process ", pid, " into unit ", quoted(name))));
    return {};
}

}  // namespace bulkhead::cgroups
