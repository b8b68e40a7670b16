// SPDX-License-Identifier: Apache-2.0
// What the caller gets to read when something went wrong: stderr, and the file or daemon of --log.
// Nothing is written on success, apart from warnings.
//
// With --log: the bare message on stderr, the formatted line in the file. Without: one line on stderr, bare
// in text format (conmon hands it to people as it is; an engine matches on words inside it), formatted where
// --log-format json asked for it, as runc does.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "cli/commands.hpp"
#include "cli/log_daemon.hpp"

namespace bulkhead::cli {

enum class Format : std::uint8_t { text, json };
enum class Level : std::uint8_t { error, warning, debug };

// One line, with its newline: logrus text or JSON with exactly the keys level, msg, time (youki #3670).
std::string log_line(Format format, Level level, std::string_view message, const timespec& now);

struct Log {
    Fd file;  // empty: stderr
    Format format = Format::text;
    Level level = Level::warning;                    // the least severe that is written
    std::optional<LogDaemon> daemon = std::nullopt;  // instead of a file

    void error(const Error& error) const;
    void warnings(const std::vector<std::string>& texts) const;
    void debug(std::string_view text) const;  // to the file or daemon only

  private:
    [[nodiscard]] bool named() const { return file || daemon; }
    void record(Level severity, std::string_view text) const;  // where --log says
};

// Opens the file of --log, where there is one: appended to, never truncated, no symbolic link followed.
Result<Log> open_log(const Options& options);

}  // namespace bulkhead::cli
