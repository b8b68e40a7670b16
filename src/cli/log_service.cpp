// SPDX-License-Identifier: Apache-2.0
#include "cli/log_service.hpp"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <array>

#include "base/socket.hpp"
#include "base/text.hpp"

namespace bulkhead::cli {

namespace {

struct ServiceRow {
    Service service;
    std::string_view prefix;
    const char* socket;
};

constexpr std::array services{
    ServiceRow{Service::journald, "journald:", "/run/systemd/journal/socket"},
    ServiceRow{Service::syslog, "syslog:", "/dev/log"},
};

constexpr const ServiceRow& row_of(Service service) { return services[static_cast<std::size_t>(service)]; }
static_assert(row_of(Service::journald).service == Service::journald &&
              row_of(Service::syslog).service == Service::syslog);

}  // namespace

std::optional<LogService> service_of(std::string_view destination) {
    for (const ServiceRow& row : services)
        if (destination.starts_with(row.prefix)) {
            const std::string_view id = destination.substr(row.prefix.size());
            return LogService{row.service, quotable(id.empty() ? "bulkhead" : id)};
        }
    return std::nullopt;
}

// systemd's native protocol, and RFC 3164 without the time: the receiver adds its own, which needs no zone.
std::string datagram(const LogService& to, int priority, std::string_view message) {
    if (to.service == Service::journald)  // ID is crun's field, by which its readers look
        return cat("MESSAGE=", message, "\nPRIORITY=", priority, "\nSYSLOG_IDENTIFIER=", to.id,
                   "\nID=", to.id, '\n');
    return cat('<', LOG_USER | priority, '>', to.id, '[', ::getpid(), "]: ", message);
}

void send_message(const LogService& to, int priority, std::string_view message) {
    const Result<Fd> socket = sys::connect_datagram(row_of(to.service).socket);
    if (!socket || ::fcntl(socket->number(), F_SETFL, O_NONBLOCK) == -1) return;
    (void)sys::send(socket->number(), datagram(to, priority, message));
}

}  // namespace bulkhead::cli
