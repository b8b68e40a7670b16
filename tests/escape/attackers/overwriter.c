// SPDX-License-Identifier: Apache-2.0
// gcc -static
// overwriter SECONDS WORKLOAD: gets hold of the program of every new process of its pid namespace before it executes WORKLOAD,
// and tries to write there, through /proc/PID/exe and through handles that it keeps, also after the process has ended
// (CVE-2019-5736). What it writes is the byte that is there. Prints COUNT KIND PROGRAM: "held", or "written".
#define _GNU_SOURCE
#include "newcomers.h"

#include <sys/stat.h>

enum { KEPT = 64, PROGRAMS = 64 };

static struct { int handle; char link[200]; } kept[KEPT];
static struct { char text[256]; long count; } seen[PROGRAMS];

static void tally(const char* kind, const char* link) {
    char text[256];
    int i = 0;
    snprintf(text, sizeof text, "%s\t%.200s", kind, link);
    while (i < PROGRAMS - 1 && seen[i].count && strcmp(seen[i].text, text) != 0) i++;
    strcpy(seen[i].text, text);
    seen[i].count++;
}

static void overwrite(const char* path, const char* link) {
    char first;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    if (pread(file, &first, 1, 0) == 1 && pwrite(file, &first, 1, 0) == 1) tally("written", link);
    close(file);
}

static void try_kept(void) {
    for (int i = 0; i < KEPT; i++) {
        char path[64];
        if (kept[i].handle <= 0) continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", kept[i].handle);
        overwrite(path, kept[i].link);
    }
}

// Keeps a handle to its program, unless that is the last one that was kept; returns whether it is still worth looking.
static int get_hold(int pid, const char* workload) {
    static int turn, last_one;
    static char last[200];
    char path[64], link[200];
    if (pid != last_one) last[0] = 0;
    last_one = pid;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    int handle = open(path, O_PATH | O_CLOEXEC);
    if (handle < 0) return lives(pid);
    snprintf(path, sizeof path, "/proc/self/fd/%d", handle);  // by now the process may have another program
    long got = readlink(path, link, sizeof link - 1);
    link[got > 0 ? got : 0] = 0;
    const char* name = strrchr(link, '/');
    int executed = got <= 0 || (name && strcmp(name + 1, workload) == 0);
    if (executed || strcmp(link, last) == 0) {
        close(handle);
        return !executed;
    }
    strcpy(last, link);
    tally("held", link);
    overwrite(path, link);
    if (kept[turn % KEPT].handle > 0) close(kept[turn % KEPT].handle);
    kept[turn % KEPT].handle = handle;
    strcpy(kept[turn++ % KEPT].link, link);
    return 1;
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    end_by_itself((unsigned)atoi(argv[1]));
    puts("0\tready\t");
    fflush(stdout);
    while (!ended) {
        int pid = newcomer(10000);
        for (int i = 0; pid && i < 3000 && get_hold(pid, argv[2]); i++) continue;
        if (!pid) try_kept();
    }
    try_kept();
    for (int i = 0; i < PROGRAMS && seen[i].count; i++) printf("%ld\t%s\n", seen[i].count, seen[i].text);
    return 0;
}
