// SPDX-License-Identifier: Apache-2.0
// What the attackers share that wait for new processes of their pid namespace. Pids are given out in order, so the next one
// is asked for all the time, which takes a fraction of a microsecond; reading /proc would take longer than a process needs
// to get through the interesting part of its life.
#ifndef NEWCOMERS_H
#define NEWCOMERS_H
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void end(int number) {
    (void)number;
    ended = 1;
}

// TERM ends it, and so does the time.
static void end_by_itself(unsigned seconds) {
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    alarm(seconds);
}

// The pid that was given out last in this pid namespace.
static int last_pid(void) {
    static int file = -1;
    char text[128], *word;
    if (file < 0) file = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    long got = pread(file, text, sizeof text - 1, 0);
    if (got <= 0) return 0;
    text[got] = 0;
    word = strrchr(text, ' ');
    return word ? atoi(word) : 0;
}

static int lives(int pid) { return kill(pid, 0) == 0 || errno == EPERM; }

// The next process that is there, or 0 when the program shall end, or `patience` rounds have passed.
static inline int newcomer(long patience) {
    static int next;
    if (next == 0) next = last_pid() + 1;
    for (long i = 0; !ended && (patience == 0 || i < patience); i++) {
        for (int pid = next; pid < next + 3; pid++) {
            if (!lives(pid)) continue;
            next = pid + 1;
            return pid;
        }
        if (i % 512 != 511) continue;
        int last = last_pid();
        if (last < next - 1) next = last + 1;  // they have begun again from the beginning
        if (last < next + 2) continue;
        next = last + 1;
        if (lives(last)) return last;
    }
    return 0;
}

static inline void comm_of(int pid, char name[32]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    long got = file < 0 ? 0 : read(file, name, 31);
    if (file >= 0) close(file);
    while (got > 0 && name[got - 1] == '\n') got--;
    name[got > 0 ? got : 0] = 0;
}
#endif
