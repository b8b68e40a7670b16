// SPDX-License-Identifier: Apache-2.0
// What the two floors share: the policy of the default bundle's process.
#pragma once

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAILED = 125, LAST_CAPABILITY = CAP_LAST_CAP };

static const uint64_t kept_capabilities = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE;
static const struct rlimit open_files = {1024, 1024};
static char* const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                    "TERM=xterm", "HOME=/", NULL};

static inline int check(long result, const char* call) {
    if (result != -1) return (int)result;
    fprintf(stderr, "floor: %s: %s\n", call, strerror(errno));
    _exit(FAILED);
}

static inline void drop_privileges(void) {
    for (int capability = 0; capability <= LAST_CAPABILITY; ++capability)
        if (!(kept_capabilities >> capability & 1))
            check(prctl(PR_CAPBSET_DROP, capability), "PR_CAPBSET_DROP");
    check(setgroups(0, NULL), "setgroups");
    check(setresgid(0, 0, 0), "setresgid");
    check(setresuid(0, 0, 0), "setresuid");
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const uint32_t kept = (uint32_t)kept_capabilities;
    const struct __user_cap_data_struct sets[2] = {{kept, kept, 0}};
    check(syscall(SYS_capset, &header, sets), "capset");
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "PR_CAP_AMBIENT");
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
}

// Waits for a child, or with -1 for any, and returns its exit status as a shell does.
static inline int wait_for(pid_t child) {
    int status = 0;
    check(waitpid(child, &status, 0), "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
