// SPDX-License-Identifier: Apache-2.0
#include "cli/processes.hpp"

#include <algorithm>
#include <cstdint>

#include "base/text.hpp"
#include "cli/output.hpp"

namespace bulkhead::cli {

namespace {

Result<bool> is_about(std::string_view row, std::size_t column, const std::vector<pid_t>& pids) {
    const std::vector<std::string_view> words = blank_separated(row);
    const std::string_view word = column < words.size() ? words[column] : std::string_view();
    const auto pid = parse_decimal<std::uint32_t>(word);
    if (!pid) return fail(Kind::unsupported, "unable to parse pid: ", quoted(word));
    return std::ranges::binary_search(pids, static_cast<pid_t>(*pid));
}

}  // namespace

std::string processes_json(const std::vector<pid_t>& pids) {
    if (pids.empty()) return "null\n";
    std::string list;
    for (const pid_t pid : pids) list.append(cat(list.empty() ? '[' : ',', pid));
    return list.append("]\n");
}

Result<std::string> processes_table(std::string_view printed, const std::vector<pid_t>& pids) {
    const std::vector<std::string_view> lines = split(printed, '\n');
    const std::vector<std::string_view> titles = blank_separated(lines.front());
    const auto title = std::ranges::find(titles, std::string_view("PID"));
    if (title == titles.end()) return fail(Kind::usage, "couldn't find PID field in ps output");
    const auto column = static_cast<std::size_t>(title - titles.begin());

    std::string table = cat(one_line(lines.front()), '\n');
    for (const std::string_view line : lines) {
        if (line.data() == lines.front().data() || line.empty()) continue;
        LET(const bool wanted, is_about(line, column, pids));
        if (wanted) table.append(one_line(line)).append(1, '\n');  // what a process calls itself
    }
    return table;
}

}  // namespace bulkhead::cli
