// SPDX-License-Identifier: Apache-2.0
// Turns lists of CPUs and memory nodes ("0-3,7") into masks for the kernel: one bit each.
#include "process/plan.hpp"

namespace bulkhead::process {

namespace {

constexpr unsigned word_bits = 32;

struct Things {
    std::string_view name;
    unsigned limit;  // above their highest number
};
constexpr Things cpus{"CPUs", 8192};     // the most that a kernel can be built for
constexpr Things nodes{"nodes", 32768};  // the most bits that set_mempolicy(2) takes: a page

struct Range {
    unsigned first;
    unsigned last;
};

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

std::optional<Range> parse_range(std::string_view text, unsigned limit) {
    const std::size_t dash = text.find('-');
    const auto first = parse_decimal<unsigned>(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_decimal<unsigned>(text.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= limit) return std::nullopt;
    return Range{*first, *last};
}

Result<std::vector<std::uint32_t>> mask_of(std::string_view list, std::string_view pointer,
                                           const Things& things) {
    std::vector<std::uint32_t> mask;
    if (trimmed(list).empty()) return mask;
    for (const std::string_view each : split(list, ',')) {
        const auto range = parse_range(trimmed(each), things.limit);
        if (!range)
            return fail(Kind::invalid_config, "config.json: ", pointer, ": ", quoted(list),
                        ": must be a list of ", things.name, " such as 0-3,7");
        const std::size_t longs = range->last / (2 * word_bits) + 1;
        if (mask.size() < 2 * longs) mask.resize(2 * longs);
        for (unsigned bit = range->first; bit <= range->last; ++bit)
            mask[bit / word_bits] |= std::uint32_t{1} << (bit % word_bits);
    }
    return mask;
}

}  // namespace

Result<std::vector<std::uint32_t>> cpu_mask(std::string_view list, std::string_view pointer) {
    return mask_of(list, pointer, cpus);
}

Result<std::vector<std::uint32_t>> node_mask(std::string_view list, std::string_view pointer) {
    return mask_of(list, pointer, nodes);
}

Result<> plan_affinity(plan::TimelineBuilder& timeline, const std::optional<std::string>& list) {
    constexpr const char* pointer = "/process/execCPUAffinity/final";
    LET(const auto mask, cpu_mask(list.value_or(""), pointer));
    if (list && mask.empty()) return {};  // the config leaves the CPUs to the kernel
    timeline.init(plan::SetAffinity{timeline.numbers(mask)}, list ? pointer : "");
    return {};
}

}  // namespace bulkhead::process
