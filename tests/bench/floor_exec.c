// SPDX-License-Identifier: Apache-2.0
// The floor of exec: a further process in a container of the default bundle, by the kernel calls it needs and by
// nothing else. As bulkhead does, it is one process until every privilege is gone, and only its copy is born in the
// container's pid namespace: that costs a second clone, and whoever saves it shows the container's inhabitants a
// process with more than theirs.
//
//     floor_exec PID CGROUP PROGRAM [ARGS]     PID is that of the container's init, CGROUP its directory
//
// check_floor.py proves that the program sees what it sees in bulkhead's exec.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

#include "floor.h"

static const int namespaces =
    CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

static _Noreturn void execute(char** program) {
    check(setsid(), "setsid");
    execve(program[0], program, environment);
    check(-1, program[0]);
    _exit(FAILED);
}

static _Noreturn void join(int init, char** program) {
    check(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL), "keyctl");
    check(setns(init, namespaces), "setns");
    check(chdir("/"), "chdir");
    check(setrlimit(RLIMIT_NOFILE, &open_files), "setrlimit");
    drop_privileges();
    umask(022);
    check(syscall(SYS_close_range, 3, ~0u, 0), "close_range");
    struct clone_args arguments = {.flags = CLONE_PARENT};
    if (check(syscall(SYS_clone3, &arguments, sizeof arguments), "clone3") == 0) execute(program);
    _exit(0);
}

int main(int argc, char** argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: floor_exec PID CGROUP PROGRAM [ARGS]\n");
        return FAILED;
    }
    const int init = check(syscall(SYS_pidfd_open, atoi(argv[1]), 0), "pidfd_open");
    const int cgroup = check(open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC), argv[2]);
    struct clone_args arguments = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned)cgroup};
    if (check(syscall(SYS_clone3, &arguments, sizeof arguments), "clone3") == 0) join(init, argv + 3);
    const int joined = wait_for(-1), copy = wait_for(-1);  // in either order; the first one's is 0
    return joined != 0 ? joined : copy;
}
