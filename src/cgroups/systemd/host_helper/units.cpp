// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/host_helper/units.hpp"

#include <unistd.h>

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/text.hpp"
#include "base/waiting.hpp"
#include "cgroups/systemd/host_helper/values.hpp"

namespace bulkhead::host_helper {

namespace {

using Texts = std::vector<std::string>;

constexpr const char* unit_folder = "/org/freedesktop/systemd1/unit";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr int job_ms = 30'000;     // as runc waits
constexpr int patience_ms = 2000;  // for a unit of the same name that is about to end
constexpr int pause_ms = 20;

std::unexpected<BusError> misfit(std::string_view request) {
    return std::unexpected(BusError{{}, cat("not a request: ", request)});
}

bool is_gone(const BusError& error) {
    return error.is("org.freedesktop.systemd1.NoSuchUnit") ||
           error.is("org.freedesktop.systemd1.NoUnitForInvocationID") ||
           error.is("org.freedesktop.DBus.Error.UnknownObject");
}

// systemd knows a unit by its name, and by the id of the one time that it was started.
std::string path_of(const std::string& name_or_invocation) {
    char* path = nullptr;
    if (sd_bus_path_encode(unit_folder, name_or_invocation.c_str(), &path) < 0) return "/";
    std::string text(path);
    ::free(path);  // NOLINT: sd-bus has allocated it with malloc
    return text;
}

Answer<Message> call_with_text(Connection& systemd, const std::string& path, const char* interface,
                               const char* member, const std::string& text) {
    LET(Message message, systemd.method(path, interface, member));
    if (const int done = sd_bus_message_append_basic(message.get(), 's', text.c_str()); done < 0)
        return bus_error(done, member);
    return systemd.call(message.get());
}

// The object path of the job in a reply.
Answer<std::string> job_in(sd_bus_message* reply) {
    const char* job = nullptr;
    const int done = sd_bus_message_read(reply, "o", &job);
    if (done < 0) return bus_error(done, "reading the job");
    return std::string(job);
}

// Removes a failed unit, which would stay otherwise. On any other unit this has no effect.
void forget_failure(Connection& systemd, const std::string& name) {
    (void)call_with_text(systemd, manager_path, manager_interface, "ResetFailedUnit", name);
}

// ---- starting ---------------------------------------------------------------------------------------------

Answer<std::string> start_once(Connection& systemd, const std::string& name, std::uint32_t pid,
                               Words properties) {
    LET(const Message message, systemd.method(manager_path, manager_interface, "StartTransientUnit"));
    Texts all(properties.begin(), properties.end());
    if (pid != 0) all.insert(all.end(), {"PIDs", "au", "2", "1", cat(pid)});
    const int begun = sd_bus_message_append(message.get(), "ss", name.c_str(), "replace");
    if (begun < 0) return bus_error(begun, name);
    TRY(append_properties(message.get(), all));
    const int ended = sd_bus_message_append(message.get(), "a(sa(sv))", 0);
    if (ended < 0) return bus_error(ended, name);
    LET(const Message reply, systemd.call(message.get()));
    return job_in(reply.get());
}

bool is_in_use(Connection& systemd, const std::string& name) {
    const auto state = systemd.text_property(path_of(name), unit_interface, "ActiveState");
    return state && (*state == "active" || *state == "activating" || *state == "reloading");
}

// The object path of the job.
Answer<std::string> start_when_free(Connection& systemd, const std::string& name, std::uint32_t pid,
                                    Words properties) {
    for (int waited = 0;; waited += pause_ms) {
        auto job = start_once(systemd, name, pid, properties);
        if (job || !job.error().is("org.freedesktop.systemd1.UnitExists")) return job;
        if (is_in_use(systemd, name) || waited > patience_ms) return job;
        forget_failure(systemd, name);
        sys::pause(waited == 0 ? 0 : pause_ms);
    }
}

std::string hexadecimal_of(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += cat(digits[byte >> 4], digits[byte & 15]);
    }
    return text;
}

Answer<std::string> invocation_of(Connection& systemd, const std::string& name) {
    LET(const Message message, systemd.method(path_of(name), "org.freedesktop.DBus.Properties", "Get"));
    int done = sd_bus_message_append(message.get(), "ss", unit_interface, "InvocationID");
    if (done < 0) return bus_error(done, "InvocationID");
    LET(const Message reply, systemd.call(message.get()));
    const void* bytes = nullptr;
    std::size_t size = 0;
    done = sd_bus_message_enter_container(reply.get(), 'v', "ay");
    if (done >= 0) done = sd_bus_message_read_array(reply.get(), 'y', &bytes, &size);
    if (done < 0) return bus_error(done, "InvocationID");
    return hexadecimal_of({static_cast<const char*>(bytes), size});
}

// The unit is ours, because its job was. Stop also ends a job that still waits.
void give_up(Connection& systemd, const std::string& name) {
    (void)call_with_text(systemd, path_of(name), unit_interface, "Stop", "replace");
    forget_failure(systemd, name);
}

Answer<Texts> started(Connection& systemd, const std::string& name) {
    const bool slice = name.ends_with(".slice");
    LET(const std::string invocation, invocation_of(systemd, name));
    LET(const std::string cgroup,
        systemd.text_property(path_of(name),
                              slice ? "org.freedesktop.systemd1.Slice" : "org.freedesktop.systemd1.Scope",
                              "ControlGroup"));
    return Texts{invocation, cgroup};
}

}  // namespace

Answer<Texts> describe_manager(Connection& systemd) {
    LET(const std::string version, systemd.text_property(manager_path, manager_interface, "Version"));
    LET(const std::string cgroup, systemd.text_property(manager_path, manager_interface, "ControlGroup"));
    return Texts{version, cgroup};
}

Answer<Texts> start_unit(Connection& systemd, Words words) {
    const auto pid = words.size() < 2 ? std::nullopt : parse_decimal<std::uint32_t>(words[1]);
    if (!pid) return misfit("start-unit");
    const std::string& name = words[0];
    if (*pid != 0) TRY(systemd.check_pids());
    TRY(systemd.watch_jobs(name));
    LET(const std::string job, start_when_free(systemd, name, *pid, words.subspan(2)));
    auto result = systemd.wait_job(job, job_ms);
    if (result && *result == "done") {
        auto unit = started(systemd, name);
        if (!unit) give_up(systemd, name);
        return unit;
    }
    give_up(systemd, name);
    if (!result) return std::unexpected(result.error());
    return std::unexpected(BusError{{}, cat("systemd could not start it: the job has the result ", *result)});
}

Answer<Texts> set_properties(Connection& systemd, Words words) {
    if (words.empty()) return misfit("set-properties");
    LET(const Message message, systemd.method(path_of(words[0]), unit_interface, "SetProperties"));
    const int until_boot = 1;
    if (const int done = sd_bus_message_append_basic(message.get(), 'b', &until_boot); done < 0)
        return bus_error(done, "SetProperties");
    TRY(append_properties(message.get(), words.subspan(1)));
    LET(const Message reply, systemd.call(message.get()));
    return Texts{};
}

Answer<Texts> stop_unit(Connection& systemd, Words words) {
    if (words.size() != 2) return misfit("stop-unit");
    const std::string &name = words[0], &invocation = words[1];
    if (invocation.empty()) {
        forget_failure(systemd, name);
        return Texts{};
    }
    TRY(systemd.watch_jobs(name));
    const std::string path = path_of(invocation);
    const auto reply = call_with_text(systemd, path, unit_interface, "Stop", "replace");
    if (!reply && is_gone(reply.error())) return Texts{};
    if (!reply) return std::unexpected(reply.error());
    LET(const std::string job, job_in(reply->get()));
    TRY(systemd.wait_job(job, job_ms));
    LET(const Message reset, systemd.method(path, unit_interface, "ResetFailed"));
    (void)systemd.call(reset.get());  // systemd may have forgotten the unit already
    return Texts{};
}

Answer<Texts> attach_process(Connection& systemd, Words words) {
    const auto pid = words.size() != 3 ? std::nullopt : parse_decimal<std::uint32_t>(words[2]);
    if (!pid) return misfit("attach-process");
    TRY(systemd.check_pids());
    LET(const Message message, systemd.method(manager_path, manager_interface, "AttachProcessesToUnit"));
    const int done =
        sd_bus_message_append(message.get(), "ssau", words[0].c_str(), words[1].c_str(), 1, *pid);
    if (done < 0) return bus_error(done, "AttachProcessesToUnit");
    LET(const Message reply, systemd.call(message.get()));
    return Texts{};
}

}  // namespace bulkhead::host_helper
