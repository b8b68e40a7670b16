// SPDX-License-Identifier: Apache-2.0
#include "cli/log.hpp"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <array>

#include "base/sys.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "cli/output.hpp"

namespace bulkhead::cli {

namespace {

constexpr std::string_view word(Level level) {
    constexpr std::array words{"error", "warning", "debug"};
    return words[static_cast<std::size_t>(level)];
}

// RFC 3339 with nanoseconds, UTC: the shim decodes it as a Go time, and a bad one spoils the whole file.
std::string in_quotes(std::string_view text) {
    std::string quoted(1, '"');
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') quoted.push_back('\\');
        quoted.push_back(letter);
    }
    return quoted.append(1, '"');
}

std::string line_now(Format format, Level level, std::string_view message) {
    timespec now{};
    (void)::clock_gettime(CLOCK_REALTIME, &now);
    return log_line(format, level, message, now);
}

// What cannot be delivered is lost: there is nobody left to tell.
void deliver(int fd, std::string_view text) { (void)write_out(fd, text); }

// The path in --log, for which crun says file:PATH, too.
std::string file_of(std::string_view destination) {
    if (destination.starts_with("file:")) destination.remove_prefix(5);
    // runc's documented default, and a symbolic link: the same as no file at all
    return destination == "/dev/stderr" ? std::string() : std::string(destination);
}

constexpr int priority_of(Level level) {
    constexpr std::array priorities{LOG_ERR, LOG_WARNING, LOG_DEBUG};
    return priorities[static_cast<std::size_t>(level)];
}

Level level_of(const Options& options) {
    if (options.debug || options.log_level == "debug") return Level::debug;
    return options.log_level == "error" ? Level::error : Level::warning;
}

}  // namespace

std::string log_line(Format format, Level level, std::string_view message, const timespec& now) {
    const std::string safe = one_line(message);
    if (format == Format::text)
        return cat("time=\"", rfc3339(now), "\" level=", word(level), " msg=", in_quotes(safe), '\n');
    return cat(R"({"level":")", word(level), R"(","msg":)", json_string(safe), R"(,"time":")", rfc3339(now),
               "\"}\n");
}

void Log::record(Level severity, std::string_view text) const {
    if (daemon) daemon->send(priority_of(severity), text);
    if (file) deliver(file.number(), line_now(format, severity, text));
}

void Log::error(const Error& error) const {
    record(Level::error, error.text);
    const bool bare = named() || format == Format::text;
    deliver(STDERR_FILENO,
            bare ? cat(one_line(error.text), '\n') : line_now(format, Level::error, error.text));
}

void Log::warnings(const std::vector<std::string>& texts) const {
    if (level < Level::warning) return;
    for (const std::string& text : texts)
        if (named())
            record(Level::warning, text);
        else
            deliver(STDERR_FILENO, line_now(format, Level::warning, text));
}

void Log::debug(std::string_view text) const {
    if (level >= Level::debug) record(Level::debug, text);
}

Result<Log> open_log(const Options& options) {
    Log log{{},
            options.log_format == "json" ? Format::json : Format::text,
            level_of(options),
            log_daemon(options.log)};
    const std::string path = file_of(options.log);
    if (log.daemon || path.empty()) return log;
    LET(log.file, sys::open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY, 0644));
    return log;
}

}  // namespace bulkhead::cli
