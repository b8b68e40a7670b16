// SPDX-License-Identifier: Apache-2.0
// What the kernel lets the process have: limits, scheduling, keys, namespaces, system settings, network,
// calls.
#include <dirent.h>
#include <errno.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probe.h"

static const char* limit_text(rlim_t limit, char* text) {
    sprintf(text, "%llu", (unsigned long long)limit);
    return limit == RLIM_INFINITY ? "unlimited" : text;
}

void tell_limits(void) {
    static const char* const names[RLIM_NLIMITS] = {
        "cpu",     "fsize", "data",  "stack",      "core",     "rss",  "nproc",  "nofile",
        "memlock", "as",    "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"};
    for (unsigned i = 0; i < RLIM_NLIMITS; ++i) {
        struct rlimit limit;
        char key[32], soft[32], hard[32];
        snprintf(key, sizeof key, "limit.%s", names[i]);
        if (getrlimit((int)i, &limit) == 0)
            say(key, "%s %s", limit_text(limit.rlim_cur, soft), limit_text(limit.rlim_max, hard));
    }
}

// As the kernel has it; glibc 2.36 has no declaration.
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t utilization_minimum, utilization_maximum;
};

void tell_scheduling(void) {
    static const char* const policies[] = {"other", "fifo", "rr", "batch", "iso", "idle", "deadline"};
    static const char* const classes[] = {"none", "realtime", "best-effort", "idle"};
    struct scheduling now = {0};
    if (syscall(SYS_sched_getattr, 0, &now, sizeof now, 0) < 0)
        say("scheduler", "%s", outcome(-1));
    else
        say("scheduler", "%s flags 0x%llx nice %d priority %u", NAME_OF(policies, now.policy),
            (unsigned long long)now.flags, now.nice, now.priority);
    if (now.policy == 6)  // elsewhere these fields tell of the machine's defaults
        say("scheduler.deadline", "%llu %llu %llu", (unsigned long long)now.runtime,
            (unsigned long long)now.deadline, (unsigned long long)now.period);
    const long priority = syscall(SYS_ioprio_get, 1 /* a process */, 0);
    if (priority < 0)
        say("io_priority", "%s", outcome(-1));
    else
        say("io_priority", "%s %ld", NAME_OF(classes, (unsigned)priority >> 13 & 7), priority & 7);
    cpu_set_t set;
    say("cpus", "%d", sched_getaffinity(0, sizeof set, &set) < 0 ? -1 : CPU_COUNT(&set));
    say("timer_slack", "%d", prctl(PR_GET_TIMERSLACK));
    int policy = 0;
    const long answered = syscall(SYS_get_mempolicy, &policy, NULL, 0, NULL, 0);
    say("memory_policy", "%s %d", outcome(answered), policy);
}

void tell_keyring(void) {
    const long ring = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    if (ring < 0) {
        say("keyring", "%s", outcome(-1));
        return;
    }
    char text[256] = "";
    const long length = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text - 1);
    say("keyring", "%s", length < 0 ? outcome(-1) : quoted(text));
    const long size = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, NULL, 0);
    say("keyring.keys", "%ld", size < 0 ? size : size / 4);
    say("keyring.key_of_the_caller", "%s",
        outcome(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "witness:caller", 0)));
}

static const char* host_inode(const Questions* asked, const char* name) {
    for (size_t i = 0; i < asked->count; ++i)
        if (!strcmp(asked->list[i].verb, "host") && !strcmp(asked->list[i].subject, name))
            return asked->list[i].value;
    return "";
}

void tell_namespaces(const Questions* asked) {
    struct dirent** entries;
    const int count = scandir("/proc/self/ns", &entries, NULL, alphasort);
    if (count < 0) say("namespaces", "%s", outcome(-1));
    for (int i = 0; i < count; ++i) {
        if (entries[i]->d_name[0] == '.') continue;
        char key[300], path[300], target[64] = "";
        snprintf(key, sizeof key, "namespace.%s", entries[i]->d_name);
        snprintf(path, sizeof path, "/proc/self/ns/%s", entries[i]->d_name);
        const ssize_t length = readlink(path, target, sizeof target - 1);
        say(key, "%s",
            length < 0                                              ? outcome(-1)
            : strcmp(target, host_inode(asked, entries[i]->d_name)) ? "own"
                                                                    : "host");
    }
    static const char* const files[] = {"uid_map", "gid_map", "setgroups", "timens_offsets", "cgroup"};
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        char path[64], words[8192] = "";
        snprintf(path, sizeof path, "/proc/self/%s", files[i]);
        const char* const text = contents(path);
        if (!text) {
            say(files[i], "%s", outcome(-1));
            continue;
        }
        size_t used = 0;  // one blank between words, "; " between lines
        for (const char* at = text; *at && used < sizeof words - 4; ++at)
            if (*at == '\n')
                used += (size_t)sprintf(words + used, ";");
            else if (*at != ' ' && *at != '\t')
                words[used++] = *at, words[used] = 0;
            else if (used && words[used - 1] != ' ' && words[used - 1] != ';')
                words[used++] = ' ', words[used] = 0;
        say(files[i], "%s", words);
    }
}

static void tell_sysctl(const char* name) {
    char key[300], path[300];
    snprintf(key, sizeof key, "sysctl.%s", name);
    snprintf(path, sizeof path, "/proc/sys/%s", name);
    const char* const value = contents(path);
    say(key, "%s", value ? quoted(value) : outcome(-1));
}

static int pids_seen(void) {
    DIR* const directory = opendir("/proc");
    int count = 0;
    for (const struct dirent* entry; directory && (entry = readdir(directory));)
        count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
    if (directory) closedir(directory);
    return count;
}

void tell_system(const Questions* asked) {
    // Namespaced ones first, then those of the machine that say how well processes are kept apart.
    static const char* const names[] = {"kernel/hostname",
                                        "kernel/domainname",
                                        "kernel/msgmax",
                                        "kernel/sem",
                                        "kernel/shmmax",
                                        "kernel/shm_rmid_forced",
                                        "fs/mqueue/msg_max",
                                        "net/core/somaxconn",
                                        "net/ipv4/ip_forward",
                                        "net/ipv4/ip_unprivileged_port_start",
                                        "net/ipv4/ping_group_range",
                                        "net/ipv6/conf/all/disable_ipv6",
                                        "dev/tty/legacy_tiocsti",
                                        "fs/protected_hardlinks",
                                        "fs/protected_symlinks",
                                        "fs/suid_dumpable",
                                        "kernel/dmesg_restrict",
                                        "kernel/io_uring_disabled",
                                        "kernel/kptr_restrict",
                                        "kernel/perf_event_paranoid",
                                        "kernel/unprivileged_bpf_disabled",
                                        "kernel/yama/ptrace_scope",
                                        "vm/memfd_noexec",
                                        "vm/unprivileged_userfaultfd"};
    struct utsname names_of_system;
    uname(&names_of_system);
    say("hostname", "%s", quoted(names_of_system.nodename));
    say("domainname", "%s", quoted(names_of_system.domainname));
    say("machine", "%s", names_of_system.machine);
    const int seen = pids_seen();
    say("processes", "%s", seen == 0 ? "none" : seen == 1 ? "only this" : "others");
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) tell_sysctl(names[i]);
    for (size_t i = 0; i < asked->count; ++i)
        if (!strcmp(asked->list[i].verb, "sysctl")) tell_sysctl(asked->list[i].subject);
}

static int by_name(const void* left, const void* right) {
    return strcmp(((const struct if_nameindex*)left)->if_name, ((const struct if_nameindex*)right)->if_name);
}

void tell_network(void) {
    struct if_nameindex* const list = if_nameindex();
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (!list || any < 0) say("network", "%s", outcome(-1));
    size_t count = 0;
    while (list && list[count].if_name) ++count;
    if (list) qsort(list, count, sizeof *list, by_name);
    for (size_t i = 0; i < count; ++i) {
        struct ifreq request = {0};
        char key[64];
        snprintf(key, sizeof key, "network.%s", list[i].if_name);
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", list[i].if_name);
        const int asked = ioctl(any, SIOCGIFFLAGS, &request);
        say(key, "%s", asked < 0 ? outcome(-1) : request.ifr_flags & IFF_UP ? "up" : "down");
    }
    if (list) if_freenameindex(list);
    if (any >= 0) close(any);
}

// Calls that change nothing whatever they answer, with arguments that the kernel refuses once it allows the
// caller.
void tell_calls(void) {
    say("call.sethostname", "%s", outcome(syscall(SYS_sethostname, NULL, -1)));
    say("call.setdomainname", "%s", outcome(syscall(SYS_setdomainname, NULL, -1)));
    say("call.swapoff", "%s", outcome(syscall(SYS_swapoff, NULL)));
    say("call.reboot", "%s", outcome(syscall(SYS_reboot, 0, 0, 0, NULL)));
    say("call.chroot", "%s", outcome(syscall(SYS_chroot, "/")));
    say("call.unshare", "%s", outcome(syscall(SYS_unshare, 0)));
    say("call.setns", "%s", outcome(syscall(SYS_setns, -1, 0)));
    say("call.clone3", "%s", outcome(syscall(SYS_clone3, NULL, 0)));
    say("call.personality_linux", "%s", outcome(syscall(SYS_personality, PER_LINUX)));
    say("call.personality_bsd", "%s", outcome(syscall(SYS_personality, PER_BSD)));
    say("call.mkdirat", "%s", outcome(syscall(SYS_mkdirat, -1, "", 0)));
    say("call.unknown", "%s", outcome(syscall(999)));
}
