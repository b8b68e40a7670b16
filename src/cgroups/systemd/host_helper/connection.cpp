// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/host_helper/connection.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead::host_helper {

namespace {

// A busy systemd (daemon-reload on a machine with thousands of units) does not answer for seconds.
constexpr std::uint64_t second_us = 1'000'000;
constexpr std::uint64_t connect_us = 10 * second_us;
constexpr std::uint64_t call_us = 25 * second_us;  // libdbus's default

std::uint64_t now_us() { return sys::monotonic_ns() / 1000; }

// One round of the connection: processes what has arrived, or waits until `end`.
Answer<> turn(sd_bus* bus, std::uint64_t end, std::string_view doing) {
    const int processed = sd_bus_process(bus, nullptr);
    if (processed < 0) return bus_error(processed, doing);
    if (processed > 0) return {};
    const std::uint64_t now = now_us();
    if (now >= end) return bus_error(-ETIMEDOUT, doing);
    const int waited = sd_bus_wait(bus, end - now);
    if (waited < 0 && waited != -EINTR) return bus_error(waited, doing);
    return {};
}

}  // namespace

std::unexpected<BusError> bus_error(int negative_errno, std::string_view doing) {
    const bool silent = negative_errno == -ETIMEDOUT;
    return std::unexpected(
        BusError{{}, cat(doing, ": ", silent ? "no answer in time" : errno_words(-negative_errno))});
}

Connection::Connection(Bus bus, bool is_peer)
    : bus_(std::move(bus)), is_peer_(is_peer), jobs_(std::make_unique<Jobs>()) {}

Answer<Connection> Connection::open_one(std::string_view address) {
    const bool is_peer = address.starts_with("peer ");
    const std::string place(address.substr(address.find(' ') + 1));
    sd_bus* made = nullptr;
    if (const int failed = sd_bus_new(&made); failed < 0) return bus_error(failed, place);
    Bus bus(made, sd_bus_close_unref);
    int done = sd_bus_set_address(made, place.c_str());
    if (done >= 0) done = sd_bus_set_bus_client(made, is_peer ? 0 : 1);
    if (done >= 0) done = sd_bus_set_method_call_timeout(made, call_us);
    if (done >= 0) done = sd_bus_start(made);
    if (done < 0) return bus_error(done, place);
    for (const std::uint64_t end = now_us() + connect_us; sd_bus_is_ready(made) == 0;)
        TRY(turn(made, end, place));
    return Connection(std::move(bus), is_peer);
}

Answer<Connection> Connection::open(const std::vector<std::string>& addresses) {
    std::string tried;
    for (const std::string& address : addresses) {
        auto connection = open_one(address);
        if (connection) return connection;
        tried += cat(tried.empty() ? "" : "; ", connection.error().text);
    }
    return std::unexpected(BusError{{}, tried});
}

Answer<Message> Connection::method(const std::string& path, const char* interface, const char* member) {
    sd_bus_message* message = nullptr;
    const int done = sd_bus_message_new_method_call(bus_.get(), &message, is_peer_ ? nullptr : systemd_name,
                                                    path.c_str(), interface, member);
    if (done < 0) return bus_error(done, member);
    return owned(message);
}

namespace {

// The other side's own words if it has answered at all. Frees the error.
BusError said_by(sd_bus_error& error, int done, const char* doing) {
    const bool said = sd_bus_error_is_set(&error) != 0 && done != -ETIMEDOUT;
    const BusError why = said ? BusError{error.name, error.message == nullptr ? error.name : error.message}
                              : bus_error(done, doing).error();
    sd_bus_error_free(&error);
    return why;
}

}  // namespace

Answer<Message> Connection::call(sd_bus_message* message) {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message* reply = nullptr;
    const int done = sd_bus_call(bus_.get(), message, call_us, &error, &reply);
    if (done >= 0) return owned(reply);
    return std::unexpected(said_by(error, done, sd_bus_message_get_member(message)));
}

int Connection::on_job_removed(sd_bus_message* message, void* jobs, sd_bus_error*) {
    const char *job = nullptr, *unit = nullptr, *result = nullptr;
    std::uint32_t number = 0;
    auto& watched = *static_cast<Jobs*>(jobs);
    if (sd_bus_message_read(message, "uoss", &number, &job, &unit, &result) >= 0 && watched.unit == unit)
        watched.ended.push_back({job, result});
    return 0;
}

Answer<> Connection::watch_jobs(const std::string& unit) {
    sd_bus_slot* slot = nullptr;
    watch_.reset();
    *jobs_ = {unit, {}};
    const int done = sd_bus_match_signal(bus_.get(), &slot, is_peer_ ? nullptr : systemd_name, manager_path,
                                         manager_interface, "JobRemoved", on_job_removed, jobs_.get());
    if (done < 0) return bus_error(done, "watching the jobs of systemd");
    watch_.reset(slot);
    return {};
}

Answer<std::string> Connection::wait_job(const std::string& job, int deadline_ms) {
    const std::uint64_t end = now_us() + static_cast<std::uint64_t>(deadline_ms) * 1000;
    for (;;) {
        const auto found = std::ranges::find(jobs_->ended, job, &Ended::job);
        if (found != jobs_->ended.end()) return found->result;
        TRY(turn(bus_.get(), end, "waiting for the job"));
    }
}

Answer<std::string> Connection::text_property(const std::string& path, const char* interface,
                                              const char* name) {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    char* text = nullptr;
    const int done = sd_bus_get_property_string(bus_.get(), is_peer_ ? nullptr : systemd_name, path.c_str(),
                                                interface, name, &error, &text);
    if (done < 0) return std::unexpected(said_by(error, done, name));
    std::string value(text);
    ::free(text);  // NOLINT: sd-bus has allocated it with malloc
    return value;
}

Answer<> Connection::check_pids() {
    if (is_peer_) return {};
    const char* own = nullptr;
    sd_bus_creds* made = nullptr;
    int done = sd_bus_get_unique_name(bus_.get(), &own);
    if (done >= 0) done = sd_bus_get_name_creds(bus_.get(), own, SD_BUS_CREDS_PID, &made);
    const std::unique_ptr<sd_bus_creds, decltype(&sd_bus_creds_unref)> creds(made, sd_bus_creds_unref);
    pid_t pid = 0;
    if (done >= 0) done = sd_bus_creds_get_pid(made, &pid);
    if (done < 0) return bus_error(done, "asking the bus for a pid");
    if (pid != ::getpid()) return std::unexpected(BusError{{}, "the bus is one of another pid namespace"});
    return {};
}

}  // namespace bulkhead::host_helper
