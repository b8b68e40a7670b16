// SPDX-License-Identifier: Apache-2.0
#include "cgroups/limits/limits.hpp"

#include <algorithm>
#include <cerrno>

#include "base/files.hpp"
#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

using plan::CgroupSetting;
using Settings = std::vector<CgroupSetting>;

Error described(Error error, const CgroupSetting& setting) {
    const std::string what = cat(setting.pointer, ": ", quoted(setting.text));
    if (error.err == ENOENT)
        return Error{Kind::unsupported, ENOENT,
                     cat(what, ": the kernel has no ",
                         quotable(setting.other_file.empty() ? setting.file : setting.other_file),
                         " for this cgroup")};
    return std::move(error).under(what);
}

Result<> write_one(int cgroup_fd, const CgroupSetting& setting) {
    auto written = write_kernel_file(cgroup_fd, setting.file, setting.text);
    if (!written && written.error().err == ENOENT && !setting.other_file.empty())
        written = write_kernel_file(cgroup_fd, setting.other_file, setting.other_text);
    if (!written && written.error().err == ENOENT && setting.may_lack) return {};
    return written;
}

// The KEY of "KEY ..." if the file has a line for each device; empty if the file has one value.
std::string_view key_of(const CgroupSetting& setting) {
    const std::size_t blank = setting.text.find(' ');
    if (blank == std::string::npos || setting.file == "cpu.max") return {};
    return std::string_view(setting.text).substr(0, blank);
}

// A device without a line of its own had no limit.
std::string unlimited(const CgroupSetting& setting, std::string_view key) {
    if (setting.file == "io.max") return cat(key, " rbps=max wbps=max riops=max wiops=max");
    if (setting.file == "io.latency") return cat(key, " target=max");
    if (setting.file == "rdma.max") return cat(key, " hca_handle=max hca_object=max");
    return cat(key, setting.file.starts_with("io.") ? " default" : " max");
}

// The settings that restore the file of `setting`; none if the file does not exist or cannot be read
// (memory.reclaim).
Result<Settings> saved(int cgroup_fd, CgroupSetting setting) {
    auto text = read_kernel_file(cgroup_fd, setting.file);
    if (!text && text.error().err == ENOENT && !setting.other_file.empty()) {
        setting.file = setting.other_file;
        setting.text = setting.other_text;
        text = read_kernel_file(cgroup_fd, setting.file);
    }
    if (!text && (text.error().err == ENOENT || text.error().err == EINVAL)) return Settings();
    if (!text) return std::unexpected(described(std::move(text).error(), setting));
    return restoring(setting, *text);
}

Result<std::uint64_t> read_number(int cgroup_fd, const std::string& file) {
    LET(const std::string text, read_kernel_file(cgroup_fd, file));
    const auto number = parse_decimal<std::uint64_t>(split(text, '\n')[0]);
    if (!number) return fail(Kind::kernel, file, ": ", quoted(text), ": not a number");
    return *number;
}

}  // namespace

Result<> write_settings(int cgroup_fd, std::span<const CgroupSetting> settings) {
    std::vector<const CgroupSetting*> refused;
    for (const CgroupSetting& each : settings) {
        auto written = write_one(cgroup_fd, each);
        if (!written && written.error().err == EINVAL) {
            refused.push_back(&each);
        } else if (!written) {
            return std::unexpected(described(std::move(written).error(), each));
        }
    }
    for (const CgroupSetting* each : refused)
        if (auto written = write_one(cgroup_fd, *each); !written)
            return std::unexpected(described(std::move(written).error(), *each));
    return {};
}

Result<Settings> change_settings(int cgroup_fd, std::span<const CgroupSetting> settings) {
    Settings before;
    for (const CgroupSetting& each : settings) {
        LET(Settings old, saved(cgroup_fd, each));
        if (each.file == "cpu.idle") {  // a change in either direction resets the weight
            LET(const Settings weight, saved(cgroup_fd, {.file = "cpu.weight", .pointer = each.pointer}));
            old.insert(old.end(), weight.begin(), weight.end());
        }
        before.insert(before.begin(), old.begin(), old.end());
    }
    if (auto written = write_settings(cgroup_fd, settings); !written) {
        restore_settings(cgroup_fd, before);
        return std::unexpected(std::move(written).error());
    }
    return before;
}

void restore_settings(int cgroup_fd, std::span<const CgroupSetting> before) {
    Settings again;
    for (const CgroupSetting& each : before)
        if (!write_one(cgroup_fd, each)) again.push_back(each);
    for (const CgroupSetting& each : again) (void)write_one(cgroup_fd, each);
}

Result<Settings> settings_now(int cgroup_fd, std::span<const std::string_view> files) {
    Settings settings;
    for (const std::string_view file : files) {
        LET(const Settings now, saved(cgroup_fd, {.file = std::string(file)}));
        settings.insert(settings.end(), now.begin(), now.end());
    }
    return settings;
}

Present present_of(int cgroup_fd) {
    Present present;
    if (const auto line = read_kernel_line(cgroup_fd, "cpu.max")) present.cpu_max = *line;
    if (const auto line = read_kernel_line(cgroup_fd, "cpu.weight")) present.cpu_weight = *line;
    if (const auto line = read_kernel_line(cgroup_fd, "memory.max")) present.memory_max = *line;
    return present;
}

Result<> check_memory(int cgroup_fd, const spec::Memory& memory, std::string_view pointer) {
    if (!memory.check_before_update.value_or(false)) return {};
    const auto used = read_number(cgroup_fd, "memory.current");
    if (!used && used.error().err == ENOENT) return {};  // the memory controller is not enabled here
    if (!used) return std::unexpected(used.error());
    for (const auto& [property, value] : {std::pair{"limit", memory.limit}, {"swap", memory.swap}}) {
        const std::int64_t limit = value.value_or(0);
        if (limit > 0 && static_cast<std::uint64_t>(limit) <= *used)
            return fail(Kind::bad_state, pointer, "/memory/", property, ": ", limit,
                        ": rejecting the limit (checkBeforeUpdate): the container uses ", *used, " bytes");
    }
    return {};
}

std::vector<CgroupSetting> restoring(const CgroupSetting& setting, std::string_view text) {
    const std::string_view key = key_of(setting);
    const auto with = [&setting](std::string line) {
        return CgroupSetting{.file = setting.file, .text = std::move(line), .pointer = setting.pointer};
    };
    if (key.empty()) {
        const std::string_view line = split(text, '\n')[0];  // "default 100" of io.weight, or the one value
        return {with(line.empty() ? "\n" : std::string(line))};  // the kernel ignores an empty write
    }
    for (const std::string_view line : split(text, '\n'))
        if (line.starts_with(key) && line.substr(key.size()).starts_with(' '))
            return {with(std::string(line))};
    return {with(unlimited(setting, key))};
}

}  // namespace bulkhead::cgroups
