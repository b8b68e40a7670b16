// SPDX-License-Identifier: Apache-2.0
#include "cli/resources.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"
#include "cli/request.hpp"
#include "cli/standard_input.hpp"
#include "spec/json.hpp"
#include "spec/parse.hpp"

namespace bulkhead::cli {

namespace {

template <class... Pieces>
std::unexpected<Error> invalid(std::string_view flag, std::string_view word, const Pieces&... why) {
    return fail(Kind::usage, "invalid value for ", flag, ": ", quoted(word), ": ", why...);
}

// The power of 1024 that a unit means: "", b, k, kb, kib, m, ...; -1 if it is no unit.
int power_of(std::string_view unit) {
    constexpr std::string_view letters = "bkmgtp";
    if (unit.empty()) return 0;
    const std::string word = lower(unit);
    const std::size_t power = letters.find(word[0]);
    const std::string_view rest = std::string_view(word).substr(1);
    const bool is_unit = rest.empty() || (power != 0 && (rest == "b" || rest == "ib"));
    return power != letters.npos && is_unit ? static_cast<int>(power) : -1;
}

template <class Number>
Result<Number> parse_number(std::string_view flag, std::string_view word) {
    Number number{};
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, number);
    if (error == std::errc::result_out_of_range) return invalid(flag, word, "is out of range");
    if (word.empty() || error != std::errc{} || stop != end) return invalid(flag, word, "is no number");
    return number;
}

// One for each type that a property has. An absent flag is an absent property.
template <class Number>
Result<> take(std::optional<Number>& property, std::string_view flag, const std::string& word) {
    if (word.empty()) return {};
    LET(property, parse_number<Number>(flag, word));
    return {};
}
Result<> take_size(std::optional<std::int64_t>& property, std::string_view flag, const std::string& word) {
    if (word.empty()) return {};
    LET(property, parse_size(flag, word));
    return {};
}

Result<spec::Resources> from_flags(const UpdateFlags& given) {
    spec::Resources wanted;
    TRY(take(wanted.block_io.weight, "blkio-weight", given.blkio_weight));
    TRY(take(wanted.cpu.period, "cpu-period", given.cpu_period));
    TRY(take(wanted.cpu.quota, "cpu-quota", given.cpu_quota));
    TRY(take(wanted.cpu.burst, "cpu-burst", given.cpu_burst));
    TRY(take(wanted.cpu.idle, "cpu-idle", given.cpu_idle));
    TRY(take(wanted.cpu.shares, "cpu-share", given.cpu_share));
    wanted.cpu.cpus = given.cpuset_cpus;
    wanted.cpu.mems = given.cpuset_mems;
    TRY(take_size(wanted.memory.limit, "memory", given.memory));
    TRY(take_size(wanted.memory.reservation, "memory-reservation", given.memory_reservation));
    TRY(take_size(wanted.memory.swap, "memory-swap", given.memory_swap));
    TRY(take(wanted.pids.limit, "pids-limit", given.pids_limit));
    return wanted;
}

// The schemata in the order of config.json.
Result<std::vector<std::string>> schemata_of(const UpdateFlags& given) {
    std::vector<std::string> schemata;
    const std::string& bandwidth = given.mem_bw_schema;
    if (!bandwidth.empty() && !bandwidth.starts_with("MB:"))
        return invalid("mem-bw-schema", bandwidth, "must start with MB:");
    if (bandwidth.contains('\n')) return invalid("mem-bw-schema", bandwidth, "must not contain newlines");
    for (const std::string& each : {given.l3_cache_schema, bandwidth})
        if (!each.empty()) schemata.push_back(each);
    return schemata;
}

Result<spec::Resources> from_file(const std::string& name) {
    LET(const std::string text,
        name == "-" ? read_document() : read_file_at(sys::here, name, json::document_limit));
    return spec::parse_resources(text, name);
}

}  // namespace

Result<std::int64_t> parse_size(std::string_view flag, std::string_view word) {
    if (word == "-1") return -1;
    const std::size_t end = word.find_first_not_of("0123456789.");
    const std::string_view digits = word.substr(0, end);
    std::string_view unit = end == word.npos ? std::string_view() : word.substr(end);
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    const int power = power_of(unit);
    double number = 0;
    const char* last = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), last, number, std::chars_format::fixed);
    if (digits.empty() || error != std::errc{} || stop != last || power < 0)
        return invalid(flag, word, "must be a number of bytes, with b, k, m, g, t or p behind it, or -1");
    if (const auto whole = parse_decimal<std::uint64_t>(digits); whole && power == 0)
        if (*whole <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return static_cast<std::int64_t>(*whole);
    const double bytes = std::ldexp(number, 10 * power);
    if (bytes >= 0x1p63) return invalid(flag, word, "is out of range");
    return static_cast<std::int64_t>(bytes);
}

Result<runtime::UpdateRequest> update_request(const UpdateFlags& flags, std::string id) {
    LET(const plan::Fault fault, parse_fault(flags.fault));
    runtime::UpdateRequest request{
        .id = std::move(id), .where = "update: ", .resources = {}, .schemata = {}, .fault = fault};
    LET(request.schemata, schemata_of(flags));
    if (flags.resources.empty()) {
        LET(request.resources, from_flags(flags));
    } else {
        request.where = cat(flags.resources, ": ");
        LET(request.resources, from_file(flags.resources));
    }
    return request;
}

}  // namespace bulkhead::cli
