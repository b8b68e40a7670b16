// SPDX-License-Identifier: Apache-2.0
// A connection to systemd by sd-bus, with a deadline on every wait.
#pragma once

#include <systemd/sd-bus.h>

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulkhead::host_helper {

// A failure on the bus: its D-Bus name, empty if the other side did not send the error, and a sentence.
struct BusError {
    std::string name;
    std::string text;

    bool is(std::string_view of) const { return name == of; }
};
template <class T = void>
using Answer = std::expected<T, BusError>;

// The error of a call of sd-bus that returned a negative errno.
std::unexpected<BusError> bus_error(int negative_errno, std::string_view doing);

using Message = std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)>;
inline Message owned(sd_bus_message* message) { return {message, sd_bus_message_unref}; }

inline constexpr const char* systemd_name = "org.freedesktop.systemd1";
inline constexpr const char* manager_path = "/org/freedesktop/systemd1";
inline constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";

class Connection {
  public:
    // Connects to the first of the addresses ("bus ADDRESS", "peer ADDRESS") that answers.
    static Answer<Connection> open(const std::vector<std::string>& addresses);

    // An empty message to systemd, which the caller fills.
    Answer<Message> method(const std::string& path, const char* interface, const char* member);
    Answer<Message> call(sd_bus_message* message);

    // Watches the jobs of this unit that end from here on. One unit at a time.
    Answer<> watch_jobs(const std::string& unit);
    // Waits for the job with this object path; returns its result: "done".
    Answer<std::string> wait_job(const std::string& job, int deadline_ms);

    Answer<std::string> text_property(const std::string& path, const char* interface, const char* name);

    // Checks that systemd and this process are in the same pid namespace.
    Answer<> check_pids();

    sd_bus* bus() const { return bus_.get(); }

  private:
    using Bus = std::unique_ptr<sd_bus, decltype(&sd_bus_close_unref)>;
    struct Ended {
        std::string job;
        std::string result;
    };
    struct Jobs {
        std::string unit;
        std::vector<Ended> ended;
    };

    Connection(Bus bus, bool is_peer);
    static Answer<Connection> open_one(std::string_view address);
    static int on_job_removed(sd_bus_message* message, void* jobs, sd_bus_error*);

    Bus bus_;
    bool is_peer_;
    // Both are pointers: sd-bus keeps the address of the first, and the second must go before the bus.
    std::unique_ptr<Jobs> jobs_;
    std::unique_ptr<sd_bus_slot, decltype(&sd_bus_slot_unref)> watch_{nullptr, sd_bus_slot_unref};
};

}  // namespace bulkhead::host_helper
