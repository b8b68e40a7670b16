// SPDX-License-Identifier: Apache-2.0
// gcc -static
// spy SECONDS WORKLOAD SECRETS CANARY HOW: looks at every new process of its pid namespace until it executes WORKLOAD (its
// comm), and prints at its end what it saw: COUNT KIND NAME DETAIL, with tabs between. SECRETS is a file of words to look
// for in memory, CANARY a path of the host to reach. HOW is "status" or "program" for one look only, which gives the most samples,
// or "all" for all ways there are; which of them is tried first changes from process to process.
#define _GNU_SOURCE
#include "newcomers.h"

#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum { LINES = 2000, WIDE = 400, BIG = 1 << 20, HIGHEST = 40 };

static struct { char text[WIDE]; long count; } lines[LINES];
static int line_count, secret_count;
static char secrets[16][128], canary[300], workload[32], own_spaces[16][256];
static int looks_used;
static const char* const SPACES[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "user", "uts"};
enum { SPACE_COUNT = sizeof SPACES / sizeof *SPACES };
static char buffer[BIG + 1];

// What a look has found, until it is known which program it was.
static struct { const char* kind; char name[32], detail[360]; } finds[200];
static int find_count;
static const char* certain;  // the name, where it cannot change meanwhile

static void found(const char* kind, const char* detail) {
    if (find_count == 200) return;
    finds[find_count].kind = kind;
    snprintf(finds[find_count].name, sizeof finds->name, "%s", certain ? certain : "");
    snprintf(finds[find_count++].detail, sizeof finds->detail, "%s", detail);
}

static void tally(const char* text) {
    for (int i = 0; i < line_count; i++) {
        if (strcmp(lines[i].text, text) != 0) continue;
        lines[i].count++;
        return;
    }
    if (line_count == LINES) return;
    strcpy(lines[line_count].text, text);
    lines[line_count++].count = 1;
}

static void count_finds(const char* name) {
    for (int i = 0; i < find_count; i++) {
        char text[WIDE];
        snprintf(text, sizeof text, "%s\t%s\t%s", finds[i].kind, finds[i].name[0] ? finds[i].name : name, finds[i].detail);
        for (char* at = text; *at; at++)
            if (*at == '\n') *at = ' ';
        tally(text);
    }
    find_count = 0;
}

static long slurp(int directory, const char* name) {
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return -1;
    long length = 0, got;
    while (length < BIG && (got = read(file, buffer + length, (size_t)(BIG - length))) > 0) length += got;
    close(file);
    buffer[length] = 0;
    return length;
}

// "socket:[17]" is "socket"; what is a path stays one.
static void plain(char* link) {
    if (link[0] != '/') strtok(link, ":");
}

static int link_of(int directory, const char* name, char* link) {
    long got = readlinkat(directory, name, link, 255);
    link[got > 0 ? got : 0] = 0;
    return got > 0;
}

static void seek_secrets(const char* where, const char* data, size_t length) {
    char detail[256];
    for (int i = 0; i < secret_count; i++) {
        if (!memmem(data, length, secrets[i], strlen(secrets[i]))) continue;
        snprintf(detail, sizeof detail, "%.127s in %s", secrets[i], where);
        found("secret", detail);
    }
}

// Is the host's file below this directory, as a root or after going up?
static void seek_canary(const char* how, int directory) {
    char path[400];
    struct stat seen;
    if (canary[0] == 0 || directory < 0) return;
    snprintf(path, sizeof path, "../../../../../../../../../..%s", canary);
    if (fstatat(directory, path, &seen, 0) == 0 || fstatat(directory, canary + 1, &seen, 0) == 0 ||
        fstatat(directory, strrchr(canary, '/') + 1, &seen, 0) == 0)
        found("reach", how);
}

static void field(const char* name, char* value) {
    char* at = strstr(buffer, name);
    *value = 0;
    if (at) sscanf(at + strlen(name), "%120[^\n]", value);
    for (char* each = value; *each; each++)
        if (*each == '\t') *each = ' ';
    while (*value == ' ') memmove(value, value + 1, strlen(value));
    for (size_t n = strlen(value); n && value[n - 1] == ' ';) value[--n] = 0;
}

static void status(int pid, int directory) {
    static const char* const FIELDS[] = {"CapPrm:", "CapEff:", "CapInh:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Uid:", "Gid:",
                                         "Groups:", "Seccomp:"};
    char detail[350] = "", value[128], seen_name[128];
    (void)pid;
    if (slurp(directory, "uid_map") == 0) return;  // no map yet: it rules over nobody
    if (slurp(directory, "status") <= 0) return;
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
        field(FIELDS[i], value);
        size_t used = strlen(detail);
        snprintf(detail + used, sizeof detail - used, "%s%s%s", i ? ";" : "", FIELDS[i], value);
    }
    field("Name:", seen_name);
    const char* known = certain;
    certain = seen_name;
    found("status", detail);
    certain = known;
}

static void descriptors(int pid, int directory) {
    (void)pid;
    int file = openat(directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* all = file < 0 ? NULL : fdopendir(file);
    if (!all) return;
    int count = 0;
    for (struct dirent* each; (each = readdir(all));) {
        char link[256];
        if (each->d_name[0] == '.' || atoi(each->d_name) <= 2) continue;
        count++;
        if (!link_of(dirfd(all), each->d_name, link)) strcpy(link, "?");
        plain(link);
        found("fd", link);
        int opened = openat(dirfd(all), each->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (opened < 0) continue;
        seek_canary("fd", opened);
        close(opened);
    }
    closedir(all);
    if (count > 1) found("fd", "more than one");
}

static void places(int pid, int directory) {
    static const char* const NAMES[] = {"cwd", "root"};
    (void)pid;
    for (int i = 0; i < 2; i++) {
        int opened = openat(directory, NAMES[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (opened < 0) continue;
        found("opened", NAMES[i]);
        seek_canary(NAMES[i], opened);
        close(opened);
    }
}

static void program(int pid, int directory) {
    char link[256], detail[300];
    (void)pid;
    if (!link_of(directory, "exe", link)) return;
    int opened = openat(directory, "exe", O_RDONLY | O_CLOEXEC);
    if (opened >= 0) {
        int seals = fcntl(opened, F_GET_SEALS);
        snprintf(detail, sizeof detail, "%s seals %d", link, seals);
        found("program", detail);
        close(opened);
    }
    opened = openat(directory, "exe", O_RDWR | O_CLOEXEC);
    if (opened < 0) return;
    char first;
    if (pread(opened, &first, 1, 0) == 1 && pwrite(opened, &first, 1, 0) == 1) found("written", link);
    close(opened);
}

// Of a process at its end, a kernel before 6.17 opens the memory that is gone: its end is at 0, where else is an error.
static int opened_memory(int directory) {
    char byte;
    int file = openat(directory, "mem", O_RDWR | O_CLOEXEC);
    if (file < 0 || pread(file, &byte, 1, 0) != 0) return file;
    close(file);
    return -1;
}

static void memory(int pid, int directory) {
    static char maps[1 << 16];
    (void)pid;
    int file = opened_memory(directory);
    if (file < 0) return;
    found("opened", "mem");
    if (slurp(directory, "maps") > 0) {
        strncpy(maps, buffer, sizeof maps - 1);
        char *rest = maps, *each;
        while ((each = strsep(&rest, "\n"))) {
            unsigned long begin, last;
            if (sscanf(each, "%lx-%lx", &begin, &last) != 2) continue;
            unsigned long size = last - begin > BIG ? BIG : last - begin;
            long got = pread(file, buffer, size, (off_t)begin);
            if (got > 0) seek_secrets("memory", buffer, (size_t)got);
        }
    }
    close(file);
}

static void other_memory(int pid, int directory) {
    static const unsigned long PLACES[] = {0x400000, 0x10000, 0x200000, 0x555555554000};
    char data[64];
    (void)directory;
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        struct iovec here = {data, sizeof data}, there = {(void*)PLACES[i], sizeof data};
        if (process_vm_readv(pid, &here, 1, &there, 1, 0) > 0) found("opened", "process_vm_readv");
    }
}

static void texts(int pid, int directory) {
    static const char* const NAMES[] = {"environ", "auxv", "cmdline"};
    (void)pid;
    for (int i = 0; i < 3; i++) {
        long got = slurp(directory, NAMES[i]);
        if (got <= 0) continue;
        if (i < 2) found("opened", NAMES[i]);
        seek_secrets(NAMES[i], buffer, (size_t)got);
    }
    int file = openat(directory, "map_files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* all = file < 0 ? NULL : fdopendir(file);
    if (!all) return;
    for (struct dirent* each; (each = readdir(all));) {
        int opened = each->d_name[0] == '.' ? -1 : openat(dirfd(all), each->d_name, O_RDONLY | O_CLOEXEC);
        if (opened < 0) continue;
        found("opened", "map_files");
        close(opened);
    }
    closedir(all);
}

static void spaces(int pid, int directory) {
    char path[64], link[256];
    (void)pid;
    for (int i = 0; i < SPACE_COUNT; i++) {
        snprintf(path, sizeof path, "ns/%s", SPACES[i]);
        if (link_of(directory, path, link) && strcmp(link, own_spaces[i]) != 0) found("space", link);
    }
}

static void stolen(int pid, int directory) {
    (void)directory;
    int whom = (int)syscall(SYS_pidfd_open, pid, 0);
    if (whom < 0) return;
    for (int number = 0; number < HIGHEST; number++) {
        char path[32], link[256];
        int got = (int)syscall(SYS_pidfd_getfd, whom, number, 0);
        if (got < 0) continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", got);
        if (!link_of(AT_FDCWD, path, link)) strcpy(link, "?");
        plain(link);
        found(number > 2 ? "stolen" : "stdio", number > 2 ? link : "");
        if (number > 2) seek_canary("stolen", got);
        close(got);
    }
    close(whom);
}

typedef void Look(int, int);
static Look traced;
static Look* const LOOKS[] = {status, traced, descriptors, memory, stolen, places, program, texts, other_memory, spaces};
enum { LOOK_COUNT = sizeof LOOKS / sizeof *LOOKS };
static Look* const ONLY_PROGRAM[] = {program};
static Look* const* chosen = LOOKS;

// Stops it, looks at everything in peace, and lets it go.
static void traced(int pid, int directory) {
    static int turn;
    char stopped[32];
    int how = turn++ % 2, state, got = 0;
    if (ptrace(how ? PTRACE_ATTACH : PTRACE_SEIZE, pid, 0, 0) != 0) return;
    if (!how) ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    for (int i = 0; i < 20000 && (got = waitpid(pid, &state, __WALL | WNOHANG)) == 0; i++) usleep(10);
    if (got != pid || !WIFSTOPPED(state)) return;
    comm_of(pid, stopped);
    certain = stopped;
    found("traced", "");
    for (int i = 0; i < LOOK_COUNT; i++)
        if (LOOKS[i] != traced) LOOKS[i](pid, directory);
    certain = NULL;
    ptrace(PTRACE_DETACH, pid, 0, 0);
    if (how) kill(pid, SIGCONT);  // if it stopped for its execve, the SIGSTOP of the attachment is still to come
}

static void look(Look* how, int pid, int directory) {
    char before[32], after[32];
    comm_of(pid, before);
    how(pid, directory);
    comm_of(pid, after);
    count_finds(strcmp(before, after) == 0 ? before : "between");
}

static void examine(int pid) {
    static int turn;
    char path[32], name[32];
    int first = turn++;
    snprintf(path, sizeof path, "/proc/%d", pid);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return;
    comm_of(pid, name);
    if (name[0] && strcmp(name, workload) != 0) {
        found("met", "");
        count_finds(name);
    }
    for (int i = 0; i < looks_used; i++) look(chosen[(first + i) % looks_used], pid, directory);
    for (int i = 0; i < 2000 && !ended && lives(pid); i++) {
        comm_of(pid, name);
        if (name[0] == 0 || strcmp(name, workload) == 0) break;
        look(chosen[i % looks_used], pid, directory);
    }
    close(directory);
}

static void learn(char** words) {
    FILE* file = fopen(words[0], "r");
    while (file && secret_count < 16 && fscanf(file, "%127s", secrets[secret_count]) == 1) secret_count++;
    if (file) fclose(file);
    snprintf(canary, sizeof canary, "%s", words[1]);
}

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    end_by_itself((unsigned)atoi(argv[1]));
    snprintf(workload, sizeof workload, "%.15s", argv[2]);
    learn(argv + 3);
    looks_used = strcmp(argv[5], "all") == 0 ? LOOK_COUNT : 1;  // the first one looks at the status
    if (strcmp(argv[5], "program") == 0) chosen = ONLY_PROGRAM;
    for (int i = 0; i < SPACE_COUNT; i++) {
        char path[64], link[256];
        snprintf(path, sizeof path, "/proc/self/ns/%s", SPACES[i]);
        if (link_of(AT_FDCWD, path, link)) snprintf(own_spaces[i], sizeof *own_spaces, "%s", link);
    }
    last_pid();
    puts("0\tready\t\t");
    fflush(stdout);
    for (int pid; (pid = newcomer(0)) != 0;) examine(pid);
    for (int i = 0; i < line_count; i++) printf("%ld\t%s\n", lines[i].count, lines[i].text);
    return 0;
}
