// SPDX-License-Identifier: Apache-2.0
#include "cgroups/device_filter.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace bulkhead::cgroups {

namespace {

// bpf(2) with an attribute of 256 zeroed bytes, more than any kernel knows: those of 6.17 to 7.1 write behind
// the size they were given in some commands. Longer than known is allowed as long as the rest is zero.
union Attribute {
    Attribute() { std::memset(this, 0, sizeof *this); }
    bpf_attr value;
    unsigned char room[256];
};
static_assert(sizeof(Attribute) == 256, "a newer <linux/bpf.h>: make the room larger than bpf_attr");

constexpr const char* license = "Apache-2.0";  // no GPL-only helper is called

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

int bpf(bpf_cmd command, Attribute& attribute) {
    // EAGAIN: a signal came while the verifier ran (the kernel's libbpf retries as often)
    for (int attempt = 0;; ++attempt) {
        const long result = ::syscall(SYS_bpf, command, &attribute, sizeof attribute);
        if (result != -1 || attempt == 5 || (errno != EAGAIN && errno != EINTR))
            return static_cast<int>(result);
    }
}

int load(std::span<const bpf_insn> program, std::span<char> log) {
    Attribute attribute;
    attribute.value.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attribute.value.expected_attach_type = BPF_CGROUP_DEVICE;
    attribute.value.insn_cnt = static_cast<std::uint32_t>(program.size());
    attribute.value.insns = address(program.data());
    attribute.value.license = address(license);
    std::memcpy(attribute.value.prog_name, "bulkhead_dev", 13);
    if (!log.empty()) {
        attribute.value.log_level = 1;
        attribute.value.log_size = static_cast<std::uint32_t>(log.size());
        attribute.value.log_buf = address(log.data());
    }
    return bpf(BPF_PROG_LOAD, attribute);
}

// The log costs the verifier time, so it is only asked for when the program was refused. What counts is its
// end.
std::unexpected<Error> refused(std::span<const bpf_insn> program, int err) {
    std::string log(64 << 10, '\0');
    const Fd unexpected_success(load(program, log));
    log.resize(std::strlen(log.c_str()));
    if (log.size() > 200) log.erase(0, log.size() - 200);
    return system_error(err, cat("bpf(BPF_PROG_LOAD) of ", program.size(), " instructions"),
                        log.empty() ? "" : cat("(", log, ")"));
}

}  // namespace

Result<> attach_device_filter(int cgroup_fd, std::span<const bpf_insn> program) {
    const Fd loaded(load(program, {}));
    if (!loaded) return refused(program, errno);
    Attribute attribute;
    attribute.value.target_fd = static_cast<std::uint32_t>(cgroup_fd);
    attribute.value.attach_bpf_fd = static_cast<std::uint32_t>(loaded.number());
    attribute.value.attach_type = BPF_CGROUP_DEVICE;
    attribute.value.attach_flags = BPF_F_ALLOW_MULTI;
    if (bpf(BPF_PROG_ATTACH, attribute) == -1) return system_error(errno, "bpf(BPF_PROG_ATTACH)");
    return {};
}

}  // namespace bulkhead::cgroups
