// SPDX-License-Identifier: Apache-2.0
#include "cli/log.hpp"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <array>

#include "base/json_writer.hpp"
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

constexpr int priority_of(Level level) {
    constexpr std::array priorities{LOG_ERR, LOG_WARNING, LOG_DEBUG};
    return priorities[static_cast<std::size_t>(level)];
}

std::string in_quotes(std::string_view text) {
    std::string quoted(1, '"');
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') quoted.push_back('\\');
        quoted.push_back(letter);
    }
    return quoted.append(1, '"');
}

// RFC 3339 with nanoseconds, UTC: the shim decodes it as a Go time, and a bad one spoils the whole file.
std::string line_now(Format format, Level level, std::string_view message) {
    timespec now{};
    (void)::clock_gettime(CLOCK_REALTIME, &now);
    return log_line(format, level, message, now);
}

// A message that cannot be delivered is lost, because there is nobody left to tell.
void deliver(int fd, std::string_view text) { (void)write_out(fd, text); }

// crun's --log takes file:PATH as well.
std::string file_of(std::string_view destination) {
    if (destination.starts_with("file:")) destination.remove_prefix(5);
    // runc's documented default, and a symbolic link: the same as no file at all
    if (destination == "/dev/stderr") return {};
    return std::string(destination);
}

Level level_called(std::string_view word) {
    if (word == "debug") return Level::debug;
    return word == "error" ? Level::error : Level::warning;
}

Level level_of(const Options& options) {
    if (options.global.debug.value_or(false)) return Level::debug;
    const bool by_default = options.logs_by_default() && !options.global.debug;
    return level_called(
        options.global.log_level.value_or(by_default ? options.defaults.log_level : "warning"));
}

Format format_called(std::string_view word) { return word == "json" ? Format::json : Format::text; }

Result<Log> open_destination(Log log, const std::string& destination) {
    log.service = service_of(destination);
    const std::string path = log.service ? std::string() : file_of(destination);
    if (path.empty()) return log;
    // A fifo that nobody reads is an error (ENXIO) and does not hold us up.
    const int how = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    LET(log.file, sys::open(path, how, 0644));
    return log;
}

}  // namespace

std::string log_line(Format format, Level level, std::string_view message, const timespec& now) {
    const std::string safe = one_line(message);
    if (format == Format::text)
        return cat("time=\"", rfc3339(now), "\" level=", word(level), " msg=", in_quotes(safe), '\n');
    JsonWriter writer;
    writer.object(JsonWriter::Style::compact).member("level", word(level)).member("msg", safe);
    writer.member("time", rfc3339(now)).end();
    return std::move(writer).text() + "\n";
}

bool Log::write(Level severity, std::string_view text) const {
    if (service) send_message(*service, priority_of(severity), one_line(text));
    if (file) deliver(file.number(), line_now(format, severity, text));
    return service || file;
}

void Log::error(const Error& error) const {
    const bool kept = write(Level::error, error.text);
    const Format shown = beside.value_or(kept ? Format::text : format);
    deliver(STDERR_FILENO, shown == Format::text ? cat(one_line(error.text), '\n')
                                                 : line_now(shown, Level::error, error.text));
}

void Log::warnings(const std::vector<std::string>& texts) const {
    if (level < Level::warning) return;
    for (const std::string& text : texts)
        if ((!write(Level::warning, text) || beside) && ::isatty(STDERR_FILENO) == 1)
            deliver(STDERR_FILENO, line_now(beside.value_or(format), Level::warning, text));
}

void Log::debug(std::string_view text) const {
    if (level >= Level::debug) (void)write(Level::debug, text);
}

Result<Log> open_log(const Options& options) {
    const Format shown = format_called(options.global.log_format);
    if (!options.logs_by_default()) {
        auto log = open_destination({{}, shown, level_of(options)}, options.global.log.value_or(""));
        if (!log) return std::unexpected(std::move(log).error().under("--log"));
        return log;
    }
    const Defaults& defaults = options.defaults;
    Log beside{{}, format_called(defaults.log_format), level_of(options)};
    beside.beside = shown;
    auto log = open_destination(std::move(beside), defaults.log);
    if (!log) return std::unexpected(std::move(log).error().under(cat(defaults.file, ": log")));
    return log;
}

}  // namespace bulkhead::cli
