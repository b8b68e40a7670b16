// SPDX-License-Identifier: Apache-2.0
// gcc -static
// bpf_canary PROGRAM ARG...: runs it, stops at each of its bpf(2) calls, and looks whether the kernel writes behind the attribute
// that it was given (kernels 6.17 to 7.1, BPF_PROG_QUERY). Prints "COMMAND CALLS SMALLEST-SIZE OVERWRITTEN" for each command.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BEHIND 512
#define COMMANDS 64
#define THREADS 4096

struct call {
    pid_t pid;
    int command;
    unsigned long behind;  // the first address that is not the attribute's
    unsigned long output, output_end;  // where the kernel shall write, which may be behind it, too
    size_t known;          // how many bytes of it could be read
    unsigned char before[BEHIND];
};

static struct call calls[THREADS];
static struct count {
    unsigned long calls, overwritten, smallest;
} counts[COMMANDS];

static struct call* call_of(pid_t pid) {
    for (int i = 0; i < THREADS; i++)
        if (calls[i].pid == pid || calls[i].pid == 0) {
            calls[i].pid = pid;
            return &calls[i];
        }
    fprintf(stderr, "bpf_canary: too many threads\n");
    exit(3);
}

// As far as it is mapped.
static size_t peek(pid_t pid, unsigned long address, unsigned char* into) {
    struct iovec here = {into, BEHIND}, there = {(void*)address, BEHIND};
    ssize_t size = process_vm_readv(pid, &here, 1, &there, 1, 0);
    if (size > 0) return (size_t)size;
    there.iov_len = here.iov_len = 4096 - address % 4096 < BEHIND ? 4096 - address % 4096 : BEHIND;
    size = process_vm_readv(pid, &here, 1, &there, 1, 0);
    return size > 0 ? (size_t)size : 0;
}

// The buffer for the verifier's words, for what is known of a program, for ids: by its address and size in the attribute.
static void find_output(pid_t pid, struct call* call, unsigned long attribute) {
    static const struct place { int command, address, size, unit; } places[] = {{5, 32, 28, 1}, {15, 8, 4, 1}, {16, 16, 24, 4}};
    unsigned char bytes[64] = {0};
    struct iovec here = {bytes, sizeof bytes}, there = {(void*)attribute, sizeof bytes};
    call->output = call->output_end = 0;
    if (call->behind - attribute < sizeof bytes) here.iov_len = there.iov_len = call->behind - attribute;
    if (process_vm_readv(pid, &here, 1, &there, 1, 0) <= 0) return;
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i].command == call->command) {
            unsigned size;
            memcpy(&call->output, bytes + places[i].address, sizeof call->output);
            memcpy(&size, bytes + places[i].size, sizeof size);
            call->output_end = call->output + (unsigned long)size * (unsigned)places[i].unit;
        }
}

static int differs(const struct call* call, const unsigned char* after, size_t known) {
    for (size_t i = 0; i < known && i < call->known; i++) {
        unsigned long address = call->behind + i;
        if (call->before[i] != after[i] && (address < call->output || address >= call->output_end)) return 1;
    }
    return 0;
}

static void at_call(pid_t pid) {
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return;
    struct call* call = call_of(pid);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        call->command = -1;
        if (info.entry.nr != SYS_bpf || info.entry.args[0] >= COMMANDS) return;
        call->command = (int)info.entry.args[0];
        call->behind = info.entry.args[1] + info.entry.args[2];
        call->known = peek(pid, call->behind, call->before);
        find_output(pid, call, info.entry.args[1]);
        struct count* count = &counts[call->command];
        if (count->calls++ == 0 || info.entry.args[2] < count->smallest) count->smallest = info.entry.args[2];
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && call->command >= 0) {
        unsigned char after[BEHIND];
        if (differs(call, after, peek(pid, call->behind, after))) counts[call->command].overwritten++;
        call->command = -1;
    }
}

static void forget(pid_t pid) {
    for (int i = 0; i < THREADS; i++)
        if (calls[i].pid == pid) calls[i].pid = -1;
}

static int watch(pid_t first) {
    int result = 1, status;
    for (;;) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid == -1) return result;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            forget(pid);
            if (pid == first) result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        int signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80)) at_call(pid);
        int is_ours = signal == (SIGTRAP | 0x80) || status >> 16 != 0 || signal == SIGSTOP;
        ptrace(PTRACE_SYSCALL, pid, 0, is_ours ? 0 : signal);
    }
}

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    // Its threads, and not its children: what the container does is the container's.
    if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) != 0) {
        perror("ptrace");
        return 3;
    }
    ptrace(PTRACE_SYSCALL, pid, 0, 0);
    int result = watch(pid);
    for (int command = 0; command < COMMANDS; command++)
        if (counts[command].calls != 0)
            printf("%d %lu %lu %lu\n", command, counts[command].calls, counts[command].smallest, counts[command].overwritten);
    return result;
}
