// SPDX-License-Identifier: Apache-2.0
#include "cgroups/devices/bpf_call.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"

namespace bulkhead::cgroups::bpf {

namespace {

// The kernel takes an attribute longer than the one it knows if the rest is zero.
union Attribute {
    Attribute() { std::memset(this, 0, sizeof *this); }
    bpf_attr value;
    unsigned char room[256];
};
static_assert(sizeof(Attribute) == 256, "a newer <linux/bpf.h>: make the room larger than bpf_attr");

// Longer for the same reason.
union ProgramInfo {
    ProgramInfo() { std::memset(this, 0, sizeof *this); }
    bpf_prog_info value;
    unsigned char room[512];
};
static_assert(sizeof(ProgramInfo) == 512, "a newer <linux/bpf.h>: make the room larger than bpf_prog_info");

constexpr const char* license = "Apache-2.0";          // the program calls no GPL-only helper
constexpr std::size_t most_programs_of_a_cgroup = 64;  // BPF_CGROUP_MAX_PROGS

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

int bpf(bpf_cmd command, Attribute& attribute) {
    // EAGAIN: a signal came while the verifier ran (libbpf retries for the same reason)
    for (int attempt = 0;; ++attempt) {
        const long result = ::syscall(SYS_bpf, command, &attribute, sizeof attribute);
        if (result != -1 || attempt == 5 || (errno != EAGAIN && errno != EINTR))
            return static_cast<int>(result);
    }
}

int load(std::span<const bpf_insn> program, const char* name, std::span<char> log) {
    Attribute attribute;
    attribute.value.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attribute.value.expected_attach_type = BPF_CGROUP_DEVICE;
    attribute.value.insn_cnt = static_cast<std::uint32_t>(program.size());
    attribute.value.insns = address(program.data());
    attribute.value.license = address(license);
    std::strncpy(attribute.value.prog_name, name, sizeof attribute.value.prog_name - 1);
    if (!log.empty()) {
        attribute.value.log_level = 1;
        attribute.value.log_size = static_cast<std::uint32_t>(log.size());
        attribute.value.log_buf = address(log.data());
    }
    return bpf(BPF_PROG_LOAD, attribute);
}

// Raises the limit on locked memory as far as the kernel allows, until the end of the value.
class MoreLockedMemory {
  public:
    MoreLockedMemory() {
        (void)::getrlimit(RLIMIT_MEMLOCK, &before_);
        const rlimit all{RLIM_INFINITY, RLIM_INFINITY};  // CAP_SYS_RESOURCE
        const rlimit most{before_.rlim_max, before_.rlim_max};
        if (::setrlimit(RLIMIT_MEMLOCK, &all) != 0) (void)::setrlimit(RLIMIT_MEMLOCK, &most);
    }
    ~MoreLockedMemory() { (void)::setrlimit(RLIMIT_MEMLOCK, &before_); }
    MoreLockedMemory(const MoreLockedMemory&) = delete;
    MoreLockedMemory& operator=(const MoreLockedMemory&) = delete;

  private:
    rlimit before_{};
};

Fd load_with_more_memory(std::span<const bpf_insn> program, const char* name, std::span<char> log) {
    const MoreLockedMemory more;
    Fd loaded(load(program, name, log));
    const int err = errno;  // the destructor may change errno
    if (!loaded) errno = err;
    return loaded;
}

// The log costs the verifier time, so only a refused program is loaded with one. The log's end has the
// reason. Before Linux 5.11 a program counts as locked memory, even for a moment after its end. Without a
// raised limit the second try might not reach the verifier.
std::unexpected<Error> refused(std::span<const bpf_insn> program, const char* name, int err) {
    std::string log(64 << 10, '\0');
    const Fd unexpected_success(load_with_more_memory(program, name, log));
    log.resize(std::strlen(log.c_str()));
    if (log.size() > 200) log.erase(0, log.size() - 200);
    return system_error(err, cat("bpf(BPF_PROG_LOAD) of ", program.size(), " instructions"),
                        log.empty() ? "" : cat("(", log, ")"));
}

Attribute attachment(int cgroup_fd, int program) {
    Attribute attribute;
    attribute.value.target_fd = static_cast<std::uint32_t>(cgroup_fd);
    attribute.value.attach_bpf_fd = static_cast<std::uint32_t>(program);
    attribute.value.attach_type = BPF_CGROUP_DEVICE;
    return attribute;
}

}  // namespace

Result<Fd> load_device_program(std::span<const bpf_insn> program, const char* name) {
    Fd loaded(load(program, name, {}));
    if (!loaded && errno == EPERM) loaded = load_with_more_memory(program, name, {});
    if (!loaded) return refused(program, name, errno);
    return loaded;
}

Result<> attach(int cgroup_fd, int program) {
    Attribute attribute = attachment(cgroup_fd, program);
    attribute.value.attach_flags = BPF_F_ALLOW_MULTI;
    if (bpf(BPF_PROG_ATTACH, attribute) == -1) return system_error(errno, "bpf(BPF_PROG_ATTACH)");
    return {};
}

Result<> replace(int cgroup_fd, int program, int old) {
    Attribute attribute = attachment(cgroup_fd, program);
    attribute.value.attach_flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE;
    attribute.value.replace_bpf_fd = static_cast<std::uint32_t>(old);
    if (bpf(BPF_PROG_ATTACH, attribute) == -1)
        return system_error(errno, "bpf(BPF_PROG_ATTACH, BPF_F_REPLACE)");
    return {};
}

Result<> detach(int cgroup_fd, int program) {
    Attribute attribute = attachment(cgroup_fd, program);
    if (bpf(BPF_PROG_DETACH, attribute) == -1) return system_error(errno, "bpf(BPF_PROG_DETACH)");
    return {};
}

Result<std::vector<std::uint32_t>> attached(int cgroup_fd) {
    std::vector<std::uint32_t> ids(most_programs_of_a_cgroup);
    Attribute attribute;
    attribute.value.query.target_fd = static_cast<std::uint32_t>(cgroup_fd);
    attribute.value.query.attach_type = BPF_CGROUP_DEVICE;
    attribute.value.query.prog_ids = address(ids.data());
    attribute.value.query.prog_cnt = static_cast<std::uint32_t>(ids.size());
    if (bpf(BPF_PROG_QUERY, attribute) == -1) return system_error(errno, "bpf(BPF_PROG_QUERY)");
    ids.resize(attribute.value.query.prog_cnt);
    return ids;
}

Result<Fd> open_program(std::uint32_t id) {
    Attribute attribute;
    attribute.value.prog_id = id;
    Fd program(bpf(BPF_PROG_GET_FD_BY_ID, attribute));
    if (!program) return system_error(errno, "bpf(BPF_PROG_GET_FD_BY_ID)", cat(id));
    return program;
}

Result<std::string> name_of(int program) {
    ProgramInfo info;
    Attribute attribute;
    attribute.value.info.bpf_fd = static_cast<std::uint32_t>(program);
    attribute.value.info.info_len = sizeof info;
    attribute.value.info.info = address(&info);
    if (bpf(BPF_OBJ_GET_INFO_BY_FD, attribute) == -1)
        return system_error(errno, "bpf(BPF_OBJ_GET_INFO_BY_FD)");
    return std::string(info.value.name, ::strnlen(info.value.name, sizeof info.value.name));
}

}  // namespace bulkhead::cgroups::bpf
