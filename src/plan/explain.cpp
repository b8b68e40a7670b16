// SPDX-License-Identifier: Apache-2.0
#include "plan/explain.hpp"

#include <algorithm>
#include <array>

#include "base/json_writer.hpp"
#include "plan/describe.hpp"

namespace bulkhead::plan {

namespace {

#define X(name) #name,
constexpr std::array call_names{"", BULKHEAD_CALLS(X)};
#undef X
static_assert(call_names.size() == static_cast<std::size_t>(Call::call_count));

// The name of a type without its namespaces: "SetUmask".
template <class Op>
consteval std::string_view name_of_type() {
    constexpr std::string_view whole =
        __PRETTY_FUNCTION__;  // "... [with Op = bulkhead::plan::SetUmask; ...]"
    constexpr std::string_view mark = "Op = ";
    const std::size_t begin = whole.find(mark) + mark.size();
    const std::string_view name = whole.substr(begin, whole.find_first_of(";]", begin) - begin);
    return name.substr(name.rfind(':') + 1);
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

// "SetUmask" as "set_umask".
std::string snake_case(std::string_view name) {
    std::string word;
    for (const char each : name) {
        const bool capital = each >= 'A' && each <= 'Z';
        if (capital && !word.empty()) word.push_back('_');
        word.push_back(capital ? static_cast<char>(each - 'A' + 'a') : each);
    }
    return word;
}

// The name of a step: that of its type, "set_umask".
std::string step_name(const HostOp& op) {
    return std::visit([]<class Op>(const Op&) { return snake_case(name_of_type<Op>()); }, op);
}
std::string step_name(const InitStep& step) {
    return visit<std::string>(step, []<class Op>(const Op&) { return snake_case(name_of_type<Op>()); });
}

std::string_view lane_name(const Step& step) { return step.lane() == Lane::host ? "host" : "init"; }

}  // namespace

const char* name_of(Call call) {
    const auto index = static_cast<std::size_t>(call);
    return index < call_names.size() ? call_names[index] : "";
}

Description describe(const Step& step, ArenaView arena) {
    if (const auto* host = std::get_if<HostOp>(&step.op)) return {step_name(*host), object_of(*host)};
    const auto& init = std::get<InitStep>(step.op);
    return {step_name(init), object_of(init, arena)};
}

std::string explain_text(const Timeline& timeline) {
    constexpr std::size_t number_width = 3, name_width = 22, object_width = 58;
    std::string text;
    for (std::size_t i = 0; i < timeline.steps().size(); ++i) {
        const Step& step = timeline.steps()[i];
        const Description what = describe(step, timeline.arena());
        const std::string number = cat(i);
        text.append(number_width - std::min(number_width, number.size()), ' ').append(number);
        text.append(cat("  ", lane_name(step), "  ", padded(what.name, name_width)));
        text.append(step.pointer.empty()
                        ? quotable(what.object)
                        : cat(padded(quotable(what.object), object_width), "  ", step.pointer));
        while (text.ends_with(' ')) text.pop_back();
        text.push_back('\n');
    }
    return text;
}

std::string explain_json(const Timeline& timeline) {
    using Style = JsonWriter::Style;
    JsonWriter writer;
    writer.array(Style::lines);
    for (std::size_t i = 0; i < timeline.steps().size(); ++i) {
        const Step& step = timeline.steps()[i];
        const Description what = describe(step, timeline.arena());
        writer.object(Style::spaced).member("step", i).member("lane", lane_name(step));
        writer.member("verb", what.name).member("object", what.object).key("property");
        step.pointer.empty() ? writer.raw("null") : writer.value(step.pointer);
        writer.end();
    }
    return std::move(writer.end()).text() + "\n";
}

}  // namespace bulkhead::plan
