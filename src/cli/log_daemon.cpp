// SPDX-License-Identifier: Apache-2.0
#include "cli/log_daemon.hpp"

#include <fcntl.h>
#include <syslog.h>

#include "base/socket.hpp"
#include "base/text.hpp"
#include "cli/output.hpp"

namespace bulkhead::cli {

namespace {

constexpr const char* identifier = "bulkhead";

// A journal that takes nothing at present must not hold a container up: the socket does not block.
void to_journal(std::string_view record) {
    const Result<Fd> socket = sys::connect_datagram("/run/systemd/journal/socket");
    if (!socket || ::fcntl(socket->number(), F_SETFL, O_NONBLOCK) == -1) return;
    (void)sys::send(socket->number(), record);
}

}  // namespace

std::optional<LogDaemon> log_daemon(std::string_view destination) {
    for (const std::string_view word : {"journald:", "syslog:"})
        if (destination.starts_with(word))
            return LogDaemon{one_line(destination.substr(word.size())), word == "journald:"};
    return std::nullopt;
}

std::string journal_record(int priority, std::string_view name, std::string_view message) {
    return cat("PRIORITY=", priority, "\nSYSLOG_IDENTIFIER=", identifier, "\nID=", one_line(name),
               "\nMESSAGE=", one_line(message), '\n');
}

void LogDaemon::send(int priority, std::string_view message) const {
    if (journal) return to_journal(journal_record(priority, name, message));
    ::openlog(identifier, 0, LOG_USER);
    ::syslog(priority, "%s: %s", name.c_str(), one_line(message).c_str());
    ::closelog();
}

}  // namespace bulkhead::cli
