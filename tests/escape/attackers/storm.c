// SPDX-License-Identifier: Apache-2.0
// gcc -static
// storm SECONDS WORKLOAD HOW: falls upon every new process of its pid namespace before it executes WORKLOAD (its comm), and
// prints how many it met there. HOW is
//   a number      sends that signal as soon as the process is there
//   all           sends every signal but KILL and STOP
//   stop once     sends STOP; who is the workload by then is let go with CONT
//   stop          the same, but again and again
//   hold          traces it and never lets it go, unless it is the workload
//   abandon       traces it, stops it and never asks for it again: whoever kills it leaves a zombie that only we could release
//   keep          the same, and has it stop once more when it dies: it is never a zombie either
//   loop          writes a loop into its text where it is, and goes
//   steal         takes every descriptor beside the stdio, and keeps it
//   lie           the same, and writes garbage there
//   forge         writes reports of the form that bulkhead's stage has, with odd numbers in them, and does not keep the descriptor
#define _GNU_SOURCE
#include "newcomers.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

static char workload[32];
static long met, taken;

// Empty names are those of processes that have gone.
static int before_execve(int pid) {
    char name[32];
    comm_of(pid, name);
    return name[0] != 0 && strcmp(name, workload) != 0;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void send_all(int pid) {
    for (int number = 1; number <= 64; number++)
        if (number != SIGKILL && number != SIGSTOP) kill(pid, number);
    kill(pid, SIGCONT);
}

// The workload is let go, for ever: a stopped program of the container is not the runtime's business.
static void stop(int pid, int again) {
    kill(pid, SIGSTOP);
    for (double until = now() + 30; !ended && lives(pid) && now() < until;) {
        if (!before_execve(pid)) break;
        if (again) kill(pid, SIGSTOP);
        else usleep(100);
    }
    kill(pid, SIGCONT);
}

static void hold(int pid) {
    int state;
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) return;
    taken++;
    ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    while (!ended && waitpid(pid, &state, __WALL) == pid && WIFSTOPPED(state) && before_execve(pid)) usleep(1000);
    ptrace(PTRACE_DETACH, pid, 0, 0);
}

// Nobody is waited for, ever: what the kernel has to tell of them stays untold. But a workload that was met too late is let
// go, as ever.
static void abandon(int pid, long options) {
    int state;
    if (ptrace(PTRACE_SEIZE, pid, 0, options) != 0) return;
    taken++;
    ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    while (!ended && lives(pid) && before_execve(pid)) usleep(1000);
    if (ended || !lives(pid)) return;
    waitpid(pid, &state, __WALL);
    ptrace(PTRACE_DETACH, pid, 0, 0);
}

#if defined(__x86_64__)
#define PROGRAM_COUNTER rip
static const unsigned char LOOP[] = {0xeb, 0xfe};
#else
#define PROGRAM_COUNTER pc
static const unsigned char LOOP[] = {0x00, 0x00, 0x00, 0x14};
#endif

// Behind the system call that it may be in; its text is its own copy.
static void loop(int pid) {
    struct user_regs_struct registers;
    struct iovec all = {&registers, sizeof registers};
    int state;
    long word;
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) return;
    ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    if (waitpid(pid, &state, __WALL) != pid || !WIFSTOPPED(state)) return;
    if (before_execve(pid) && ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all) == 0) {
        word = ptrace(PTRACE_PEEKTEXT, pid, registers.PROGRAM_COUNTER, 0);
        memcpy(&word, LOOP, sizeof LOOP);
        taken += ptrace(PTRACE_POKETEXT, pid, registers.PROGRAM_COUNTER, word) == 0;
    }
    ptrace(PTRACE_DETACH, pid, 0, 0);
}

static void lie(int file) {
    static char garbage[4096];
    memset(garbage, (int)taken, sizeof garbage);
    fcntl(file, F_SETFL, O_NONBLOCK);
    if (write(file, garbage, (size_t)(taken * 37) % sizeof garbage) < 0) return;
}

// The report's layout is that of src/plan/wire.hpp.
static void forge(int file) {
    static const unsigned short STEPS[] = {0, 5, 0x7fff, 0xffff}, CALLS[] = {0, 7, 0x7f, 0xffff};
    static const int ERRORS[] = {0, 1, -1, 0x7fffffff, 2};
    struct { unsigned short kind, step; int error; unsigned short call, reserved; unsigned times; } report = {
        .kind = (unsigned short)(taken % 9),
        .step = STEPS[taken / 3 % 4],
        .error = ERRORS[taken / 5 % 5],
        .call = CALLS[taken / 7 % 4],
        .times = taken % 2 ? 0xffffffff : 0,
    };
    if (send(file, &report, sizeof report, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return;
}

static void steal(int pid, char how) {
    int whom = (int)syscall(SYS_pidfd_open, pid, 0);
    for (int number = 3; number < 40 && whom >= 0; number++) {
        int got = (int)syscall(SYS_pidfd_getfd, whom, number, 0);
        if (got < 0) continue;
        taken++;
        if (how == 'l') lie(got);
        if (how == 'f') forge(got);
        if (how == 'f') close(got);
    }
    close(whom);
}

static void strike(int pid, const char* how) {
    if (strcmp(how, "all") == 0) send_all(pid);
    else if (strncmp(how, "stop", 4) == 0) stop(pid, how[4] == 0);
    else if (strcmp(how, "hold") == 0) hold(pid);
    else if (strcmp(how, "abandon") == 0) abandon(pid, 0);
    else if (strcmp(how, "keep") == 0) abandon(pid, PTRACE_O_TRACEEXIT);
    else if (strcmp(how, "loop") == 0) loop(pid);
    else if (strcmp(how, "steal") == 0 || strcmp(how, "lie") == 0 || strcmp(how, "forge") == 0) steal(pid, how[0]);
    else kill(pid, atoi(how));
}

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    end_by_itself((unsigned)atoi(argv[1]));
    snprintf(workload, sizeof workload, "%.15s", argv[2]);
    puts("ready");
    fflush(stdout);
    for (int pid; (pid = newcomer(0)) != 0;) {
        if (!before_execve(pid)) continue;
        met++;
        strike(pid, argv[3]);
    }
    printf("met %ld, took %ld\n", met, taken);
    return 0;
}
