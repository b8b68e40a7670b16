// SPDX-License-Identifier: Apache-2.0
// What the process sees of the file system: mounts, root and working directory, devices, masked paths.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probe.h"

typedef struct {
    int id, parent, depth;
    char root[512], point[512], options[256], propagation[64], type[64], source[512], super[1024];
} Mount;

static Mount mounts[512];
static size_t mount_count;

// Of the optional fields the kind counts; the number of a peer group is chance.
static void add_propagation(Mount* mount, const char* field) {
    static const char* const kinds[][2] = {
        {"shared:", "shared"}, {"master:", "slave"}, {"unbindable", "unbindable"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i)
        if (!strncmp(field, kinds[i][0], strlen(kinds[i][0]))) {
            if (mount->propagation[0]) strcat(mount->propagation, ",");
            strcat(mount->propagation, kinds[i][1]);
        }
}

// The layers of an overlay by their number: how a layer is named depends on the kernel. A name that is a path
// of the host (and not of a descriptor) would tell the container where it lies.
static void count_layers(Mount* mount) {
    int lower = 0, upper = 0, paths = 0, read_only = !strncmp(mount->super, "ro", 2);
    for (char* word = strtok(mount->super, ","); word; word = strtok(NULL, ",")) {
        if (!strncmp(word, "lowerdir", 8)) ++lower;
        for (const char* at = word; !strncmp(word, "lowerdir=", 9) && *at; ++at) lower += *at == ':';
        upper += !strncmp(word, "upperdir=", 9);
        paths += strchr(word, '/') && !strstr(word, "/proc/self/fd/");
    }
    snprintf(mount->super, sizeof mount->super, "%s,lower=%d,upper=%d,paths=%d", read_only ? "ro" : "rw",
             lower, upper, paths);
}

// proc(5), "/proc/pid/mountinfo"
static bool parse_mount(char* line, Mount* mount) {
    char* const behind = strstr(line, " - ");
    int used = 0;
    *mount = (Mount){0};
    if (!behind || sscanf(line, "%d %d %*s %511s %511s %255s%n", &mount->id, &mount->parent, mount->root,
                          mount->point, mount->options, &used) < 5)
        return false;
    *behind = 0;
    for (char* field = strtok(line + used, " "); field; field = strtok(NULL, " "))
        add_propagation(mount, field);
    if (sscanf(behind + 3, "%63s %511s %1023s", mount->type, mount->source, mount->super) < 3) return false;
    if (!strcmp(mount->type, "overlay")) count_layers(mount);
    return true;
}

static int depth_of(const Mount* mount) {
    for (size_t i = 0; i < mount_count; ++i)
        if (mounts[i].id == mount->parent && &mounts[i] != mount) return 1 + depth_of(&mounts[i]);
    return 0;
}

static int by_point(const void* left, const void* right) {
    const Mount *a = left, *b = right;
    const int order = strcmp(a->point, b->point);
    return order ? order : a->depth - b->depth;
}

void tell_mounts(void) {
    FILE* const file = fopen("/proc/self/mountinfo", "re");
    if (!file) {
        say("mounts", "%s", outcome(-1));
        return;
    }
    char line[4096];
    while (mount_count < sizeof mounts / sizeof *mounts && fgets(line, sizeof line, file))
        mount_count += parse_mount(line, &mounts[mount_count]);
    fclose(file);
    for (size_t i = 0; i < mount_count; ++i) mounts[i].depth = depth_of(&mounts[i]);
    qsort(mounts, mount_count, sizeof *mounts, by_point);
    for (size_t i = 0; i < mount_count; ++i)
        say("mount", "%s root %s type %s source %s options %s super %s propagation %s", mounts[i].point,
            mounts[i].root, mounts[i].type, mounts[i].source, mounts[i].options, mounts[i].super,
            mounts[i].propagation[0] ? mounts[i].propagation : "private");
}

static const char* file_system(const char* path) {
    static const struct {
        unsigned type;
        const char* name;
    } types[] = {{0x9fa0, "proc"},   {0x62656572, "sysfs"},  {0x01021994, "tmpfs"},
                 {0x1cd1, "devpts"}, {0x19800202, "mqueue"}, {0x63677270, "cgroup2"},
                 {0xef53, "ext4"},   {0x794c7630, "overlay"}};
    struct statfs status;
    if (statfs(path, &status) < 0) return outcome(-1);
    for (size_t i = 0; i < sizeof types / sizeof *types; ++i)
        if (types[i].type == (unsigned)status.f_type) return types[i].name;
    return "other";
}

// Whether a file can be made, without making one that has a name.
static const char* can_create(const char* path) {
    const int file = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (file >= 0) close(file);
    return outcome(file);
}

static void tell_directory(const char* key, const char* path) {
    struct statx status = {0};
    if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &status) < 0) {
        say(key, "%s", outcome(-1));
        return;
    }
    say(key, "mode %04o owner %u:%u %s create %s", status.stx_mode & 07777, status.stx_uid, status.stx_gid,
        status.stx_attributes & STATX_ATTR_MOUNT_ROOT ? "mount" : "part", can_create(path));
}

void tell_directories(void) {
    char path[4096];
    say("cwd", "%s", getcwd(path, sizeof path) ? quoted(path) : outcome(-1));
    struct stat root, above;
    say("root.above", "%s",
        stat("/", &root) || stat("/..", &above)                      ? outcome(-1)
        : root.st_ino == above.st_ino && root.st_dev == above.st_dev ? "itself"
                                                                     : "another");
    tell_directory("directory.cwd", ".");
    static const char* const paths[] = {"/",     "/dev", "/dev/mqueue",    "/dev/pts", "/dev/shm",
                                        "/proc", "/sys", "/sys/fs/cgroup", "/tmp"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; ++i) {
        char key[64];
        snprintf(key, sizeof key, "directory.%s", paths[i]);
        tell_directory(key, paths[i]);
    }
}

static const char* can_open(const char* path) {
    const int file = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const char* const answer = outcome(file);
    if (file >= 0) close(file);
    return answer;
}

static void tell_node(const char* path, const struct stat* status) {
    char key[600], target[512] = "";
    snprintf(key, sizeof key, "node.%s", path);
    const unsigned mode = status->st_mode & 07777;
    if (S_ISLNK(status->st_mode))
        say(key, "link %s", readlink(path, target, sizeof target - 1) < 0 ? outcome(-1) : quoted(target));
    else if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode))
        say(key, "%s %u:%u mode %04o owner %u:%u open %s", S_ISCHR(status->st_mode) ? "char" : "block",
            major(status->st_rdev), minor(status->st_rdev), mode, status->st_uid, status->st_gid,
            can_open(path));
    else
        say(key, "%s mode %04o owner %u:%u",
            S_ISDIR(status->st_mode)    ? "directory"
            : S_ISFIFO(status->st_mode) ? "pipe"
                                        : "file",
            mode, status->st_uid, status->st_gid);
}

static void tell_tree(const char* top, int depth) {
    struct dirent** entries;
    const int count = scandir(top, &entries, NULL, alphasort);
    for (int i = 0; i < count; ++i) {
        if (!strcmp(entries[i]->d_name, ".") || !strcmp(entries[i]->d_name, "..")) continue;
        char path[512];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", top, entries[i]->d_name);
        if (lstat(path, &status) < 0) continue;
        tell_node(path, &status);
        if (S_ISDIR(status.st_mode) && depth < 3) tell_tree(path, depth + 1);
    }
}

void tell_devices(void) { tell_tree("/dev", 0); }

// "empty", "data" or why it cannot be read.
static const char* readable(const char* path, const struct stat* status) {
    if (S_ISDIR(status->st_mode)) {
        DIR* const directory = opendir(path);
        if (!directory) return outcome(-1);
        int count = 0;
        while (count < 3 && readdir(directory)) ++count;
        closedir(directory);
        return count > 2 ? "data" : "empty";
    }
    const int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) return outcome(-1);
    char byte;
    const ssize_t got = read(file, &byte, 1);
    const char* const answer = got < 0 ? outcome(-1) : got ? "data" : "empty";
    close(file);
    return answer;
}

// A chown that changes nothing asks for nothing but a mount that can be written: the kernel looks there
// first, before any permission.
static void tell_path(const char* path) {
    char key[600];
    struct stat status;
    snprintf(key, sizeof key, "path.%s", path);
    if (lstat(path, &status) < 0) {
        say(key, "%s", outcome(-1));
        return;
    }
    const char* const kind = S_ISDIR(status.st_mode)   ? "directory"
                             : S_ISREG(status.st_mode) ? "file"
                                                       : "node";
    char content[32];
    snprintf(content, sizeof content, "%s", readable(path, &status));
    say(key, "%s on %s read %s write %s", kind, file_system(path), content,
        outcome(lchown(path, (uid_t)-1, (gid_t)-1)));
}

void tell_paths(const Questions* asked) {
    static const char* const paths[] = {
        "/proc/acpi",          "/proc/asound",      "/proc/bus",         "/proc/fs",
        "/proc/interrupts",    "/proc/irq",         "/proc/kcore",       "/proc/keys",
        "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",        "/proc/sys",
        "/proc/sysrq-trigger", "/proc/timer_list",  "/proc/timer_stats", "/sys/devices/virtual/powercap",
        "/sys/firmware"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; ++i) tell_path(paths[i]);
    for (size_t i = 0; i < asked->count; ++i)
        if (!strcmp(asked->list[i].verb, "path")) tell_path(asked->list[i].subject);
}
