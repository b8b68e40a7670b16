// SPDX-License-Identifier: Apache-2.0
#include "runtime/process_identity.hpp"

#include "base/files.hpp"
#include "base/sys.hpp"

namespace bulkhead::runtime {

std::optional<ProcessStatus> parse_stat(std::string_view text) {
    const std::size_t command_end = text.rfind(") ");
    if (command_end == std::string_view::npos) return std::nullopt;
    // Behind the command: field 3 is the state, field 22 the start time.
    const std::vector<std::string_view> fields = split(text.substr(command_end + 2), ' ');
    constexpr std::size_t state_field = 3 - 3, start_field = 22 - 3;
    if (fields.size() <= start_field || fields[state_field].size() != 1) return std::nullopt;
    const auto start_time = parse_decimal<std::uint64_t>(fields[start_field]);
    if (!start_time) return std::nullopt;
    return ProcessStatus{fields[state_field][0], *start_time};
}

std::optional<ProcessStatus> process_status(pid_t pid) {
    const auto text = read_kernel_file(sys::here, cat("/proc/", pid, "/stat"));
    return text ? parse_stat(*text) : std::nullopt;
}

std::optional<Fd> open_same_process(pid_t pid, std::uint64_t start_time) {
    if (pid <= 0) return std::nullopt;
    auto process = sys::open_process(pid);
    if (!process) return std::nullopt;
    // Looked at after the pidfd was opened: if it is the right one now, the pidfd is, too.
    const auto status = process_status(pid);
    if (!status || status->start_time != start_time || !status->alive()) return std::nullopt;
    return std::move(*process);
}

}  // namespace bulkhead::runtime
