// SPDX-License-Identifier: Apache-2.0
// A step in words: its name, and the object that it acts on. explain, errors, the trace and the manual use
// them.
#pragma once

#include <string>
#include <string_view>

#include "plan/timeline.hpp"

namespace bulkhead::plan {

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

// The name of a step: that of its type, "set_umask".
std::string step_name(const HostOp& op);
std::string step_name(const InitStep& step);

// The object of a step: "022", "tmpfs on /dev/shm (nosuid)". A step without its overload in describe_host.cpp
// or describe_init.cpp does not compile.
std::string object_of(const HostOp& op);
std::string object_of(const InitStep& step, ArenaView arena);

}  // namespace bulkhead::plan
