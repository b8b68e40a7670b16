// SPDX-License-Identifier: Apache-2.0
// gcc -static
// observer PID SUFFIX WORDS: looks at the mounts of the child processes of PID, again and again until PID has ended, and prints
// the first state of a mount whose mount point ends with SUFFIX that lacks one of the comma-separated option WORDS.
// Prints "seen" if the mount was there with all of them.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char text[1 << 20];

static long slurp(const char* path) {
    int file = open(path, O_RDONLY);
    long length = 0, got = 0;
    if (file >= 0) {
        while ((got = read(file, text + length, sizeof text - 1 - length)) > 0) length += got;
        close(file);
    }
    text[length] = 0;
    return length;
}

static int has(const char* options, const char* word) {
    size_t length = strlen(word);
    for (const char* at = options; (at = strstr(at, word)); at++) {
        if ((at == options || at[-1] == ',') && (at[length] == ',' || at[length] == 0)) return 1;
    }
    return 0;
}

// 1: there, with all words. -1: there, and one is missing.
static int look(const char* suffix, const char* words) {
    char* rest = text;
    int seen = 0;
    for (char* line; (line = strsep(&rest, "\n"));) {
        char point[4096], options[4096], wanted[256];
        if (sscanf(line, "%*s %*s %*s %*s %4095s %4095s", point, options) != 2) continue;
        size_t length = strlen(point), tail = strlen(suffix);
        if (length < tail || strcmp(point + length - tail, suffix) != 0) continue;
        seen = 1;
        strncpy(wanted, words, sizeof wanted - 1);
        for (char* word = strtok(wanted, ","); word; word = strtok(NULL, ",")) {
            if (!has(options, word)) {
                printf("without %s: %s\n", word, options);
                return -1;
            }
        }
    }
    return seen;
}

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char path[128];
    int seen = 0;
    while (kill(atoi(argv[1]), 0) == 0) {
        snprintf(path, sizeof path, "/proc/%s/stat", argv[1]);
        if (slurp(path) > 0 && strstr(text, ") Z ")) break;
        snprintf(path, sizeof path, "/proc/%s/task/%s/children", argv[1], argv[1]);
        if (slurp(path) == 0) continue;
        char children[4096];
        strncpy(children, text, sizeof children - 1);
        for (char* child = strtok(children, " "); child; child = strtok(NULL, " ")) {
            char* next = child + strlen(child) + 1;
            snprintf(path, sizeof path, "/proc/%s/mountinfo", child);
            if (slurp(path) == 0) continue;
            int found = look(argv[2], argv[3]);
            if (found < 0) return 1;
            seen |= found;
            if (next >= children + sizeof children) break;
        }
    }
    puts(seen ? "seen" : "never there");
    return 0;
}
