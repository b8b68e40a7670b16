// SPDX-License-Identifier: Apache-2.0
// gcc -static
// peeper SECONDS WORD UID [DIRECTORY...]: as user UID (4294967295: stays who it is), reads what /proc shows of every process, and
// of new ones at once, and all below the directories, and looks for WORD there. Prints at its end COUNT KIND WHERE: "looked", or
// "found".
#define _GNU_SOURCE
#include "newcomers.h"

#include <dirent.h>
#include <grp.h>
#include <sys/stat.h>

enum { BIG = 1 << 20, LINES = 200 };
static char buffer[BIG];
static const char* word;
static struct { char text[200]; long count; } lines[LINES];

static void tally(const char* kind, const char* where) {
    char text[200];
    int i = 0;
    snprintf(text, sizeof text, "%s\t%.150s", kind, where);
    while (i < LINES - 1 && lines[i].count && strcmp(lines[i].text, text) != 0) i++;
    strcpy(lines[i].text, text);
    lines[i].count++;
}

static void read_one(int directory, const char* name, const char* where) {
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (file < 0) return;
    long got = read(file, buffer, sizeof buffer);
    close(file);
    if (got < 0) return;
    tally("looked", where);
    if (memmem(buffer, (size_t)got, word, strlen(word))) tally("found", where);
}

static void look_at(int pid) {
    static const char* const NAMES[] = {"environ", "cmdline", "maps", "auxv", "comm", "status", "mem", "mountinfo"};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", pid);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || pid == getpid()) return;  // its own arguments have the word
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) read_one(directory, NAMES[i], NAMES[i]);
    close(directory);
}

static void look_at_all(void) {
    DIR* all = opendir("/proc");
    if (!all) return;
    for (struct dirent* each; (each = readdir(all));)
        if (atoi(each->d_name) > 0) look_at(atoi(each->d_name));
    closedir(all);
}

static void look_below(const char* path, int depth) {
    DIR* all = opendir(path);
    if (!all) return;
    for (struct dirent* each; (each = readdir(all));) {
        char below[1024];
        if (strcmp(each->d_name, ".") == 0 || strcmp(each->d_name, "..") == 0) continue;
        snprintf(below, sizeof below, "%s/%s", path, each->d_name);
        tally("looked", "a name");
        read_one(AT_FDCWD, below, below);
        if (depth > 0 && each->d_type == DT_DIR) look_below(below, depth - 1);
    }
    closedir(all);
}

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    end_by_itself((unsigned)atoi(argv[1]));
    word = argv[2];
    unsigned user = (unsigned)strtoul(argv[3], NULL, 10);
    if (user + 1 != 0 && (setgroups(0, NULL) != 0 || setgid(user) != 0 || setuid(user) != 0)) return 1;
    puts("0\tready\t");
    fflush(stdout);
    for (long turn = 0; !ended; turn++) {
        int pid = newcomer(500);
        for (int i = 0; pid && i < 20; i++) look_at(pid);
        for (int i = 4; turn % 16 == 0 && i < argc; i++) look_below(argv[i], 3);
        if (turn % 16 == 0) look_at_all();
    }
    for (int i = 0; i < LINES && lines[i].count; i++) printf("%ld\t%s\n", lines[i].count, lines[i].text);
    return 0;
}
