// SPDX-License-Identifier: Apache-2.0
// `limits`: writes the limits in /linux/resources.
#include <algorithm>
#include <array>

#include "spec/short_form/document.hpp"

namespace bulkhead::spec::short_form {

namespace {

constexpr std::int64_t period = 100'000;  // us, the kernel's default

using Read = Result<std::int64_t> (*)(const Value& value);

// A quota of the period; from millionths of a processor.
Result<std::int64_t> quota(const Value& value) {
    LET(const auto share, processors(value));
    return share * period / 1'000'000;
}

Result<std::int64_t> count_or_unlimited(const Value& value) {
    if (value.node->text == "unlimited") return -1;
    return whole(value, 0);
}

// The standard's number is memory and swap together.
Result<> put_swap(Document& document, const Value& limits, const Value& value, std::string_view pointer) {
    LET(const auto swap, size_or_unlimited(value));
    const yaml::Node* given = limits.node->find("memory");
    if (!given) return value.refuse("needs memory beside it");
    LET(const auto memory, size_or_unlimited({given, limits.name, cat(limits.path, "/memory")}));
    if (memory > std::numeric_limits<std::int64_t>::max() - std::max<std::int64_t>(swap, 0))
        return value.refuse("is too much with the memory");
    document.put(cat(pointer, "/memory/swap"), swap == -1 || memory == -1 ? -1 : memory + swap, value);
    return {};
}

// 2Mi -> 2MB, as cgroup files are called.
std::string page_size_name(std::int64_t bytes) {
    if (bytes % (1 << 30) == 0) return cat(bytes >> 30, "GB");
    return bytes % (1 << 20) == 0 ? cat(bytes >> 20, "MB") : cat(bytes >> 10, "KB");
}

Result<> put_hugepages(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_map(value));
    document.put(pointer, Json::array(), value);
    for (const yaml::Entry& entry : value.node->entries) {
        const yaml::Node name{yaml::Node::Kind::scalar, entry.key, true, {}, {}, entry.mark};
        const Value page_size{&name, value.name, value.path};
        LET(const auto page, size(page_size));
        if (page < 1024 || page % 1024 != 0) return page_size.refuse("not a page size, such as 2Mi or 1Gi");
        LET(const auto limit, size(value.member(entry)));
        document.append(pointer, Json{{"pageSize", page_size_name(page)}, {"limit", limit}},
                        value.member(entry));
    }
    return {};
}

template <Read read>
Result<> put_number(Document& document, const Value& value, std::string_view pointer) {
    LET(const auto limit, read(value));
    document.put(pointer, limit, value);
    return {};
}

Result<> put_cpus(Document& document, const Value& value, std::string_view pointer) {
    TRY(put_number<quota>(document, value, cat(pointer, "/quota")));
    document.put(cat(pointer, "/period"), period, value);
    return {};
}

// `swap` is not among them: it stands with the memory.
constexpr std::array limit_keys{
    Key{"cpuBurst", put_whole, "/cpu/burst"},
    Key{"cpuIdle", put_whole, "/cpu/idle"},
    Key{"cpuShares", put_whole, "/cpu/shares"},
    Key{"cpus", put_cpus, "/cpu"},
    Key{"cpuset", put_text, "/cpu/cpus"},
    Key{"cpusetMems", put_text, "/cpu/mems"},
    Key{"hugepages", put_hugepages, "/hugepageLimits"},
    Key{"ioWeight", put_whole, "/blockIO/weight"},
    Key{"memory", put_number<size_or_unlimited>, "/memory/limit"},
    Key{"memoryReservation", put_number<size_or_unlimited>, "/memory/reservation"},
    Key{"pids", put_number<count_or_unlimited>, "/pids/limit"},
    Key{"unified", put_text_map, "/unified"},
};
constexpr std::string_view swap_key = "swap";

constexpr auto limit_names = [] {
    std::array<std::string_view, limit_keys.size() + 1> names{swap_key};
    std::ranges::transform(limit_keys, names.begin() + 1, &Key::name);
    return names;
}();

}  // namespace

Result<> put_limits(Document& document, const Value& value, std::string_view pointer) {
    TRY(require_keys(value, limit_names));
    for (const yaml::Entry& entry : value.node->entries) {
        const Value limit = value.member(entry);
        const auto row = std::ranges::find(limit_keys, entry.key, &Key::name);
        if (row != limit_keys.end())
            TRY(row->apply(document, limit, cat(pointer, row->pointer)));
        else
            TRY(put_swap(document, value, limit, pointer));
    }
    return {};
}

}  // namespace bulkhead::spec::short_form
