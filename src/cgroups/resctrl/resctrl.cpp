// SPDX-License-Identifier: Apache-2.0
#include "cgroups/resctrl/resctrl.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

constexpr mode_t directory_mode = 0755;

// Adds resctrl's own text about the last failed call: "Mask out of range" (4.15). resctrl does not see a call
// for a file that does not exist.
Error with_its_words(Error error, const std::string& mount) {
    if (error.err == ENOENT) return error;
    const auto words = read_kernel_line(sys::here, cat(mount, "/info/last_cmd_status"));
    if (words && !words->empty() && *words != "ok") error.text.append(cat(": ", quotable(*words)));
    return error;
}

// info, mon_groups and mon_data are no groups, although they stand where groups do.
Result<RdtGroup> described(const std::string& path, bool created) {
    LET(const Fd directory, sys::open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    if (!sys::status_at(directory.number(), "tasks", AT_SYMLINK_NOFOLLOW))
        return fail(Kind::bad_state, quotable(path), ": not a group of resctrl: it has no tasks");
    LET(const struct stat status, sys::status_of(directory.number()));
    return RdtGroup{created, status.st_ino};
}

Result<RdtGroup> made(const std::string& path) {
    auto group = described(path, true);
    if (!group) (void)sys::remove_at(sys::here, path, AT_REMOVEDIR);
    return group;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    return first == text.npos ? std::string_view()
                              : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// A mask has base 16, a bandwidth base 10. Without leading zeros equal numbers are equal texts.
std::string plain_number(std::string_view text) {
    std::string digits = lower(trimmed(text));
    if (digits.starts_with("0x")) digits.erase(0, 2);
    return digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
}

struct Domain {
    std::string name;  // "L3:0"
    std::string value;
    std::string words;  // "L3:0=ff"
};

// "L3:0=ff;1=f" as its domains, line by line. A part of another form becomes a name without a value.
std::vector<Domain> domains_of(std::string_view text) {
    std::vector<Domain> domains;
    for (const std::string_view line : split(text, '\n')) {
        if (trimmed(line).empty()) continue;
        const std::size_t colon = std::min(line.find(':'), line.size());
        const std::string resource(trimmed(line.substr(0, colon)));
        const std::string_view values = line.substr(std::min(colon + 1, line.size()));
        for (const std::string_view each : split(values, ';')) {
            if (trimmed(each).empty() && !trimmed(values).empty()) continue;
            const std::size_t sign = std::min(each.find('='), each.size());
            const std::string id = plain_number(each.substr(0, sign));
            domains.push_back({cat(resource, ':', id.empty() ? "0" : id),
                               plain_number(each.substr(std::min(sign + 1, each.size()))),
                               cat(resource, ':', trimmed(each))});
        }
    }
    return domains;
}

}  // namespace

std::vector<std::string> missing_in_schemata(std::string_view text, std::string_view wanted) {
    std::map<std::string, std::string> there;
    for (Domain& each : domains_of(text)) there.insert_or_assign(std::move(each.name), std::move(each.value));
    std::vector<std::string> missing;
    for (const Domain& each : domains_of(wanted)) {
        const auto found = there.find(each.name);
        if (found == there.end() || found->second != each.value) missing.push_back(each.words);
    }
    return missing;
}

Result<RdtGroup> make_rdt_group(const std::string& mount, const std::string& path) {
    auto done = sys::make_directory_at(sys::here, path, directory_mode);
    if (done) return made(path);
    if (done.error().err == EEXIST) return described(path, false);
    return std::unexpected(with_its_words(std::move(done).error(), mount));
}

Result<RdtGroup> find_rdt_group(const std::string& path) { return described(path, false); }

Result<RdtGroup> make_monitoring_group(const std::string& mount, const std::string& path) {
    auto done = sys::make_directory_at(sys::here, path, directory_mode);
    if (done) return made(path);
    return std::unexpected(with_its_words(std::move(done).error(), mount));
}

Result<> write_schemata(const std::string& mount, const std::string& path, std::string_view lines) {
    auto written = write_kernel_file(sys::here, cat(path, "/schemata"), cat(lines, '\n'));
    if (written) return written;
    return std::unexpected(with_its_words(std::move(written).error(), mount));
}

Result<std::string> read_schemata(const std::string& path) {
    return read_kernel_file(sys::here, cat(path, "/schemata"));
}

Result<> check_schemata(const std::string& path, std::string_view lines) {
    LET(const std::string text, read_schemata(path));
    const std::vector<std::string> missing = missing_in_schemata(text, lines);
    if (missing.empty()) return {};
    return fail(Kind::bad_state, quoted(lines), ": the group ", quotable(path),
                " is there with another schema: ", quotable(missing.front()), " is not in it");
}

Result<> join_rdt_group(const std::string& mount, const std::string& path, pid_t thread) {
    auto joined = write_kernel_file(sys::here, cat(path, "/tasks"), cat(thread));
    if (joined) return joined;
    return std::unexpected(with_its_words(std::move(joined).error(), mount));
}

Result<> remove_rdt_group(const std::string& path, std::uint64_t inode) {
    const auto there = sys::status_at(sys::here, path, AT_SYMLINK_NOFOLLOW);
    if (!there && there.error().kind == Kind::not_found) return {};
    if (!there) return std::unexpected(there.error());
    if (inode != 0 && there->st_ino != inode) return {};
    if (inode == 0) {
        LET(const std::string inhabitants, read_kernel_file(sys::here, cat(path, "/tasks")));
        if (!inhabitants.empty()) return {};
    }
    auto removed = sys::remove_at(sys::here, path, AT_REMOVEDIR);
    if (!removed && removed.error().kind == Kind::not_found) return {};
    return removed;
}

}  // namespace bulkhead::cgroups
