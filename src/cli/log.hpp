// SPDX-License-Identifier: Apache-2.0
// The messages to the caller: on stderr, and in the file or service of --log. On success bulkhead writes
// only warnings, and these never to a stream that a program may read: engines take stderr for an error's
// text, for a part of the document on stdout, or give it to the container.
//
// With --log: the bare message on stderr, the formatted line in the file. Without: one line on stderr, bare
// in text format (conmon hands it to people as it is; an engine matches on words inside it), formatted
// with --log-format json, as runc does.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "cli/flags.hpp"
#include "cli/log_service.hpp"

namespace bulkhead::cli {

enum class Format : std::uint8_t { text, json };
enum class Level : std::uint8_t { error, warning, debug };

// One line, with its newline: logrus text or JSON with exactly the keys level, msg, time (youki #3670).
std::string log_line(Format format, Level level, std::string_view message, const timespec& now);

struct Log {
    Fd file;  // with neither file nor service: stderr
    Format format = Format::text;
    Level level = Level::warning;                      // the least severe that is written
    std::optional<LogService> service = std::nullopt;  // has its own format
    // Of stderr, if the caller has named no log and bulkhead.yaml has: then stderr stays as it is without
    // bulkhead.yaml.
    std::optional<Format> beside = std::nullopt;

    void error(const Error& error) const;
    void warnings(const std::vector<std::string>& texts) const;  // to stderr only if that is a terminal
    void debug(std::string_view text) const;                     // never to stderr

  private:
    // False: --log was not given, so it is for stderr.
    bool write(Level severity, std::string_view text) const;
};

// Opens the file of --log, or of bulkhead.yaml if that was not given: appended to, never truncated, no
// symbolic link followed, a fifo only with a reader.
Result<Log> open_log(const Options& options);

}  // namespace bulkhead::cli
