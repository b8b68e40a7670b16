// SPDX-License-Identifier: Apache-2.0
#include "cli/render.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/output.hpp"
#include "spec/spec.hpp"

namespace bulkhead::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view spec_version = spec::implemented_version;

// `replace` keeps dump() from throwing on text that is not UTF-8.
std::string dump(const Json& value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

constexpr std::string_view damaged = "damaged";

// Leaves out what is not known, because an empty time does not parse.
Json damaged_json(const runtime::View& container) {
    return {{"ociVersion", spec_version}, {"id", container.id},        {"pid", 0},
            {"status", damaged},          {"error", container.damage}, {"owner", container.owner}};
}

Json json_of(const runtime::View& container, std::string_view owner) {
    Json object{
        {"ociVersion", spec_version},   {"id", container.id},
        {"pid", container.pid},         {"status", lifecycle::word(container.status)},
        {"bundle", container.bundle},   {"rootfs", container.rootfs},
        {"created", container.created},
    };
    if (!container.annotations.empty()) object["annotations"] = container.annotations;
    object["owner"] = owner;
    return object;
}

using Row = std::array<std::string, 6>;

// The reason stands in the place of the bundle.
Row row_of(const runtime::View& container) {
    if (!container.damage.empty())
        return {container.id, "0", std::string(damaged), one_line(container.damage), "-", container.owner};
    return {container.id,
            cat(container.pid),
            std::string(lifecycle::word(container.status)),
            one_line(container.bundle),
            container.created,
            container.owner};
}

// Columns, not bytes: what Go's tabwriter counts.
std::size_t width_of(std::string_view text) {
    const auto begins = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; };
    return static_cast<std::size_t>(std::ranges::count_if(text, begins));
}

}  // namespace

std::string version_text(const Build& build) {
    return cat("bulkhead version ", build.version, "\ncommit: ", build.commit, "\nspec: ", spec_version,
               "\nlibseccomp: ", build.libseccomp, '\n');
}

std::string state_json(const runtime::View& container) { return dump(json_of(container, ""), 2); }

std::string list_json(const std::vector<runtime::View>& containers) {
    Json list;
    for (const runtime::View& container : containers)
        list.push_back(container.damage.empty() ? json_of(container, container.owner)
                                                : damaged_json(container));
    return dump(list, -1).append(1, '\n');
}

std::string list_table(const std::vector<runtime::View>& containers) {
    constexpr std::size_t least = 12, padding = 3;  // runc's tabwriter
    std::vector<Row> rows{{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
    std::ranges::transform(containers, std::back_inserter(rows), row_of);

    std::array<std::size_t, std::tuple_size_v<Row>> widths{};
    widths.fill(least);
    for (const Row& row : rows)
        for (std::size_t at = 0; at < row.size(); ++at)
            widths[at] = std::max(widths[at], width_of(row[at]) + padding);

    std::string table;
    for (const Row& row : rows) {
        for (std::size_t at = 0; at + 1 < row.size(); ++at)
            table.append(row[at]).append(widths[at] - width_of(row[at]), ' ');
        table.append(row.back()).append(1, '\n');
    }
    return table;
}

std::string list_ids(const std::vector<runtime::View>& containers) {
    std::string ids;
    for (const runtime::View& container : containers) ids.append(container.id).append(1, '\n');
    return ids;
}

}  // namespace bulkhead::cli
