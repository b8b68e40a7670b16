// SPDX-License-Identifier: Apache-2.0
// Times whole processes with nothing but posix_spawn and waitpid between two looks at the clock.
//
//     spawner RESULTS WARMUP ROUNDS : COMMAND... : COMMAND , COMMAND , ...
//
// Each ":" begins a contestant. A round runs every contestant once, in an order drawn anew each time, so that
// none always follows the same one. "," separates the processes of one contestant; the word @reap in their
// place waits for an adopted child, which is how the program of a created container comes to its end. RESULTS
// gets a line per round with a word per contestant: nanoseconds of the whole, and of each process, separated
// by ":".
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

extern char** environ;

enum { MOST_CONTESTANTS = 16, MOST_PROCESSES = 8 };

struct contestant {
    char** commands[MOST_PROCESSES];  // each ends with NULL
    int count;
    int64_t taken[MOST_PROCESSES], whole;
};

static struct contestant contestants[MOST_CONTESTANTS];
static int contestant_count;

static void die(const char* what, const char* why) {
    fprintf(stderr, "spawner: %s: %s\n", what, why);
    exit(2);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

// --- the command line
// -------------------------------------------------------------------------------------------

static void add_command(char** command) {
    struct contestant* last = &contestants[contestant_count - 1];
    if (last->count == MOST_PROCESSES) die(command[0], "too many processes in one contestant");
    last->commands[last->count++] = command;
}

static void add_contestant(char** command) {
    if (contestant_count == MOST_CONTESTANTS) die(command[0], "too many contestants");
    ++contestant_count;
    add_command(command);
}

// Cuts the words at their separators; what follows a separator begins a command.
static void parse(char** words) {
    if (strcmp(*words, ":") != 0) die(*words, "a contestant begins with ':'");
    for (; *words; ++words) {
        const int contestant = strcmp(*words, ":") == 0, process = strcmp(*words, ",") == 0;
        if (!contestant && !process) continue;
        if (!words[1] || (process && contestant_count == 0)) die(*words, "no command");
        *words = NULL;
        if (contestant)
            add_contestant(words + 1);
        else
            add_command(words + 1);
    }
}

// --- one sample
// -------------------------------------------------------------------------------------------------

static void spawn_and_wait(char** command) {
    pid_t child;
    int status;
    const int failed = posix_spawn(&child, command[0], NULL, NULL, command, environ);
    if (failed) die(command[0], strerror(failed));
    while (waitpid(child, &status, 0) == -1)
        if (errno != EINTR) die("waitpid", strerror(errno));
    if (status == 0) return;
    fprintf(stderr, "spawner: status 0x%x of:", (unsigned)status);
    for (; *command; ++command) fprintf(stderr, " %s", *command);
    die("", "a process failed");
}

static void reap_adopted(void) {
    while (waitpid(-1, NULL, 0) == -1)
        if (errno != EINTR) die("@reap", strerror(errno));
}

static void sample(struct contestant* contestant) {
    const int64_t begin = now();
    int64_t previous = begin;
    for (int i = 0; i < contestant->count; ++i) {
        if (strcmp(contestant->commands[i][0], "@reap") == 0)
            reap_adopted();
        else
            spawn_and_wait(contestant->commands[i]);
        const int64_t end = now();
        contestant->taken[i] = end - previous;
        previous = end;
    }
    contestant->whole = previous - begin;
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;  // what else was adopted belongs to nobody's time
}

// --- rounds
// -----------------------------------------------------------------------------------------------------

static uint32_t draw(uint32_t below) {
    static uint64_t state = 42;  // always the same orders: a run can be repeated
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

static void run_round(void) {
    int order[MOST_CONTESTANTS];
    for (int i = 0; i < contestant_count; ++i) {
        const int place = (int)draw((uint32_t)i + 1);
        order[i] = order[place];
        order[place] = i;
    }
    for (int i = 0; i < contestant_count; ++i) sample(&contestants[order[i]]);
}

static void write_round(FILE* results) {
    for (int i = 0; i < contestant_count; ++i) {
        fprintf(results, "%s%lld", i == 0 ? "" : " ", (long long)contestants[i].whole);
        for (int j = 0; j < contestants[i].count; ++j)
            fprintf(results, ":%lld", (long long)contestants[i].taken[j]);
    }
    fputc('\n', results);
}

int main(int argc, char** argv) {
    if (argc < 6) die("usage", "spawner RESULTS WARMUP ROUNDS : COMMAND... : COMMAND , COMMAND");
    FILE* results = fopen(argv[1], "we");
    if (!results) die(argv[1], strerror(errno));
    parse(argv + 4);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int warmup = atoi(argv[2]); warmup > 0; --warmup) run_round();
    for (int rounds = atoi(argv[3]); rounds > 0; --rounds) {
        run_round();
        write_round(results);
    }
    return fclose(results) == 0 ? 0 : 2;
}
