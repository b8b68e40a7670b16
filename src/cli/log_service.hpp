// SPDX-License-Identifier: Apache-2.0
// The log services of the machine as destinations of --log, as crun has them: journald:ID and syslog:ID.
// conmon-rs passes the first to a runtime that is called crun.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::cli {

enum class Service : std::uint8_t { journald, syslog };

struct LogService {
    Service service = Service::journald;
    std::string id;  // who says it
};

// nullopt: the destination is a file.
std::optional<LogService> service_of(std::string_view destination);

// One message as the service takes it. `priority` is that of syslog(3); `message` has one line.
std::string datagram(const LogService& to, int priority, std::string_view message);

// Sends it and never waits. If nobody listens, or the listener's queue is full, the message is lost: a
// container must not wait for its log.
void send_message(const LogService& to, int priority, std::string_view message);

}  // namespace bulkhead::cli
