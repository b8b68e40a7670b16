// SPDX-License-Identifier: Apache-2.0
// crun's other destinations of --log, which conmon-rs names to a runtime called crun: journald:NAME,
// syslog:NAME. Where no daemon listens what is said is lost, as with crun: no container fails for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::cli {

struct LogDaemon {
    std::string name;      // whom the records are about: the container's id, by custom
    bool journal = false;  // systemd's, or else syslog(3)'s

    // One record. `priority` is one of syslog(3)'s, such as LOG_ERR; the message is one line.
    void send(int priority, std::string_view message) const;
};

// The daemon that `--log` means; nothing where it means a file.
std::optional<LogDaemon> log_daemon(std::string_view destination);

// A record in the journal's native protocol: PRIORITY, SYSLOG_IDENTIFIER, ID (as crun calls the name) and
// MESSAGE.
std::string journal_record(int priority, std::string_view name, std::string_view message);

}  // namespace bulkhead::cli
