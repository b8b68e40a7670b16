// SPDX-License-Identifier: Apache-2.0
// gcc -static
// successor PID: a process that is born with this pid, which somebody else had before, and waits to be killed; at most a minute.
// Prints "born" when it is there. The pid is asked for with clone3 (5.5), so that no setting of the machine changes.
#define _GNU_SOURCE
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    pid_t wanted = atoi(argv[1]);
    struct clone_args arguments = {.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&wanted, .set_tid_size = 1};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid < 0) {
        perror("clone3");
        return 1;
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(60);
        for (;;) pause();
    }
    puts("born");
    fflush(stdout);
    int status;
    if (waitpid((pid_t)pid, &status, 0) != pid) return 1;
    printf(WIFSIGNALED(status) ? "killed by %d\n" : "exit %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return 0;
}
