// SPDX-License-Identifier: Apache-2.0
// org.systemd.property.NAME -> properties.
#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "cgroups/systemd/gvariant.hpp"
#include "cgroups/systemd/unit_properties.hpp"

namespace bulkhead::cgroups {

namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

Result<> check_name(std::string_view name) {
    constexpr std::size_t shortest = 3;
    if (name.size() < shortest) return fail(Kind::invalid_config, "the name of the property is too short");
    if (!std::ranges::all_of(name, is_letter))
        return fail(Kind::invalid_config, "the name of a property has nothing but letters");
    if (name == "PIDs" || name == "Slice")
        return fail(Kind::invalid_config, "who is in the unit and where it is, the runtime says itself");
    return {};
}

// Unit files have "TimeoutStopSec", the bus has "TimeoutStopUSec".
bool is_in_seconds(std::string_view name) {
    return name.ends_with("Sec") && name.size() > 3 && is_lower(name[name.size() - 4]);
}

Result<BusValue> microseconds(const BusValue& value) {
    constexpr double second = 1'000'000, limit = 1e19;
    double seconds = -1;
    const std::string& text = value.values[0];
    if (std::string_view("iuxtd").contains(value.signature))
        (void)std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (seconds < 0 || seconds * second >= limit)
        return fail(Kind::invalid_config, "must be a number of seconds");
    return BusValue{"t", {cat(static_cast<std::uint64_t>(seconds * second))}};
}

Result<plan::UnitProperty> property_of(std::string_view name, std::string_view text) {
    TRY(check_name(name));
    LET(BusValue value, parse_gvariant(text));
    std::string called(name);
    if (is_in_seconds(name)) {
        called.replace(name.size() - 3, 3, "USec");
        LET(value, microseconds(value));
    }
    return plan::UnitProperty{std::move(called), std::move(value.signature), std::move(value.values)};
}

}  // namespace

Result<std::vector<plan::UnitProperty>> properties_of_annotations(
    const std::map<std::string, std::string>& annotations) {
    std::vector<plan::UnitProperty> properties;
    for (const auto& [key, text] : annotations) {
        if (!key.starts_with(property_annotation)) continue;
        auto property = property_of(std::string_view(key).substr(property_annotation.size()), text);
        if (!property)
            return std::unexpected(std::move(property).error().under(
                cat("config.json: /annotations/", pointer_token(key), ": ", quoted(text))));
        properties.push_back(std::move(*property));
    }
    return properties;
}

}  // namespace bulkhead::cgroups
