// SPDX-License-Identifier: Apache-2.0
// The floor: the container of the default bundle, made by the kernel calls it needs and by nothing else. No
// JSON, no state file, no stage program, no undo: every value stands in the code. What a runtime needs beyond
// the time of this program is its own.
//
//     floor ROOTFS PROGRAM [ARGS]     runs PROGRAM in a new container and returns its exit status
//     floor --nothing                 ends at once: what the start of any static C program costs
//
// cgroup2 has to be mounted on /sys/fs/cgroup. check_floor.py proves that the container equals bulkhead's.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "floor.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

// --- what the default bundle asks for
// ---------------------------------------------------------------------------

struct filesystem {
    const char *type, *source, *target;
    const char* options[4][2];  // a key without a value is a flag
    unsigned attributes;
};

static const unsigned sealed = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV;

static const struct filesystem filesystems[] = {
    {"proc", "proc", "proc", {{0}}, 0},
    {"tmpfs",
     "tmpfs",
     "dev",
     {{"mode", "755"}, {"size", "65536k"}},
     MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME},
    {"devpts",
     "devpts",
     "dev/pts",
     {{"newinstance"}, {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}},
     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC},
    {"tmpfs", "shm", "dev/shm", {{"mode", "1777"}, {"size", "65536k"}}, sealed},
    {"mqueue", "mqueue", "dev/mqueue", {{0}}, sealed},
    {"sysfs", "sysfs", "sys", {{0}}, sealed | MOUNT_ATTR_RDONLY},
    {"cgroup2", "cgroup", "sys/fs/cgroup", {{0}}, sealed | MOUNT_ATTR_RDONLY},
};

static const struct filesystem empty_directory = {"tmpfs",
                                                  "tmpfs",
                                                  NULL,
                                                  {{"nr_blocks", "1"}, {"nr_inodes", "1"}, {"mode", "555"}},
                                                  sealed | MOUNT_ATTR_RDONLY};

static const struct {
    const char* path;
    unsigned major, minor;
} nodes[] = {{"dev/null", 1, 3}, {"dev/zero", 1, 5},   {"dev/full", 1, 7},
             {"dev/tty", 5, 0},  {"dev/random", 1, 8}, {"dev/urandom", 1, 9}};

static const char* const links[][2] = {{"/proc/self/fd", "dev/fd"},       {"/proc/self/fd/0", "dev/stdin"},
                                       {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"},
                                       {"pts/ptmx", "dev/ptmx"},          {"/proc/kcore", "dev/core"}};

static const char* const readonly_paths[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                             "proc/sysrq-trigger"};

static const char* const masked_paths[] = {"proc/acpi",
                                           "proc/asound",
                                           "proc/interrupts",
                                           "proc/kcore",
                                           "proc/keys",
                                           "proc/latency_stats",
                                           "proc/timer_list",
                                           "proc/timer_stats",
                                           "proc/sched_debug",
                                           "sys/firmware",
                                           "sys/devices/virtual/powercap",
                                           "proc/scsi"};

static const char hostname[] = "bulkhead";
// --- the device filter
// ------------------------------------------------------------------------------------------

// The program that bulkhead makes of the default rules: type in r3, access in r2, major and minor as one
// number in r6.
#define INSN(operation, to, from, offset, number) \
    { operation, to, from, offset, (int32_t)(number) }
#define WORD(to, offset) INSN(BPF_LDX | BPF_MEM | BPF_W, to, 1, offset, 0)
#define COPY(to, from) INSN(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0)
#define ALLOW_IF_NUMBER(major, minor, distance)                               \
    INSN(BPF_LD | BPF_IMM | BPF_DW, 7, 0, 0, minor), INSN(0, 0, 0, 0, major), \
        INSN(BPF_JMP | BPF_JEQ | BPF_X, 6, 7, distance, 0)
#define RETURN(result) \
    INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, result), INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static const struct bpf_insn device_filter[] = {
    WORD(2, 0),
    COPY(3, 2),
    INSN(BPF_ALU | BPF_AND | BPF_K, 3, 0, 0, 0xffff),
    WORD(4, 4),
    WORD(5, 8),
    COPY(6, 4),
    INSN(BPF_ALU64 | BPF_LSH | BPF_K, 6, 0, 0, 32),
    INSN(BPF_ALU64 | BPF_OR | BPF_X, 6, 5, 0, 0),
    INSN(BPF_JMP32 | BPF_JNE | BPF_K, 3, 0, 26, BPF_DEVCG_DEV_CHAR),
    ALLOW_IF_NUMBER(1, 3, 25),
    ALLOW_IF_NUMBER(1, 5, 22),
    ALLOW_IF_NUMBER(1, 7, 19),
    ALLOW_IF_NUMBER(1, 8, 16),
    ALLOW_IF_NUMBER(1, 9, 13),
    ALLOW_IF_NUMBER(5, 0, 10),
    ALLOW_IF_NUMBER(5, 2, 7),
    ALLOW_IF_NUMBER(10, 200, 4),
    INSN(BPF_JMP32 | BPF_JEQ | BPF_K, 4, 0, 3, 136),
    INSN(BPF_JMP | BPF_JA, 0, 0, 1, 0),
    INSN(BPF_JMP32 | BPF_JNE | BPF_K, 3, 0, 3, BPF_DEVCG_DEV_BLOCK),
    INSN(BPF_JMP32 | BPF_JSET | BPF_K, 2, 0, 2, 0xfffe0000),
    RETURN(1),
    RETURN(0),
};

static void attach_device_filter(int cgroup) {
    // More room than any kernel knows: some write behind the size they were given.
    union {
        union bpf_attr value;
        char room[256];
    } load = {.room = {0}}, attach = {.room = {0}};
    load.value.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    load.value.expected_attach_type = BPF_CGROUP_DEVICE;
    load.value.insn_cnt = COUNT(device_filter);
    load.value.insns = (uintptr_t)device_filter;
    load.value.license = (uintptr_t) "Apache-2.0";
    attach.value.attach_bpf_fd =
        (uint32_t)check(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load), "BPF_PROG_LOAD");
    attach.value.target_fd = (uint32_t)cgroup;
    attach.value.attach_type = BPF_CGROUP_DEVICE;
    attach.value.attach_flags = BPF_F_ALLOW_MULTI;
    check(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach), "BPF_PROG_ATTACH");
}

// --- the child: mounts
// ------------------------------------------------------------------------------------------

static int make_filesystem(const struct filesystem* wanted) {
    const int context = check(fsopen(wanted->type, FSOPEN_CLOEXEC), wanted->type);
    check(fsconfig(context, FSCONFIG_SET_STRING, "source", wanted->source, 0), wanted->type);
    for (size_t i = 0; i < COUNT(wanted->options) && wanted->options[i][0]; ++i) {
        const char *key = wanted->options[i][0], *value = wanted->options[i][1];
        check(fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0), key);
    }
    check(fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0), wanted->type);
    const int mount = check(fsmount(context, FSMOUNT_CLOEXEC, wanted->attributes), wanted->type);
    close(context);
    return mount;
}

static int clone_tree(int directory, const char* path, unsigned flags) {
    return check(open_tree(directory, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | flags),
                 path);
}

static void attach(int mount, int directory, const char* path) {
    const unsigned by_descriptor = *path ? 0 : MOVE_MOUNT_T_EMPTY_PATH;
    check(move_mount(mount, "", directory, path, MOVE_MOUNT_F_EMPTY_PATH | by_descriptor), "move_mount");
}

static void mount_filesystems(int root) {
    for (size_t i = 0; i < COUNT(filesystems); ++i) {
        const struct filesystem* wanted = &filesystems[i];
        if (mkdirat(root, wanted->target, 0755) == -1 && errno != EEXIST) check(-1, wanted->target);
        const int mount = make_filesystem(wanted);
        attach(mount, root, wanted->target);
        close(mount);
    }
}

static void make_nodes_and_links(int root) {
    for (size_t i = 0; i < COUNT(nodes); ++i)
        check(mknodat(root, nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)),
              nodes[i].path);
    for (size_t i = 0; i < COUNT(links); ++i) {
        const char* leads_to = links[i][0];
        if (*leads_to == '/' && faccessat(root, leads_to + 1, F_OK, 0) == -1)
            continue;  // only to what there is
        check(symlinkat(leads_to, root, links[i][1]), links[i][1]);
    }
}

static void protect_paths(int root) {
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    for (size_t i = 0; i < COUNT(readonly_paths); ++i) {
        const int target = openat(root, readonly_paths[i], O_PATH | O_CLOEXEC);
        if (target == -1 && errno == ENOENT) continue;
        const int tree = clone_tree(check(target, readonly_paths[i]), "", AT_RECURSIVE);
        check(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &read_only, sizeof read_only),
              "mount_setattr");
        attach(tree, target, "");
        close(tree);
        close(target);
    }
}

// The container's null device, so that nobody inside can change the mode of the host's.
static int clone_null(int root) {
    struct mount_attr sealed_device = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
    const int null = clone_tree(root, "dev/null", 0);
    check(mount_setattr(null, "", AT_EMPTY_PATH, &sealed_device, sizeof sealed_device), "mount_setattr");
    return null;
}

// The first mask of its kind is made, the others are its clones.
static void mask_path(int root, int target, int* directory, int* file) {
    struct stat status;
    check(fstat(target, &status), "fstat");
    const int is_directory = S_ISDIR(status.st_mode);
    int* first = is_directory ? directory : file;
    if (*first == -1) {
        *first = is_directory ? make_filesystem(&empty_directory) : clone_null(root);
        attach(*first, target, "");
        return;
    }
    const int clone = clone_tree(*first, "", 0);
    attach(clone, target, "");
    close(clone);
}

static void mask_paths(int root) {
    int directory = -1, file = -1;
    for (size_t i = 0; i < COUNT(masked_paths); ++i) {
        const int target = openat(root, masked_paths[i], O_PATH | O_CLOEXEC);
        if (target == -1 && errno == ENOENT) continue;
        mask_path(root, check(target, masked_paths[i]), &directory, &file);
        close(target);
    }
}

static void enter_root(int root) {
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    check(mount_setattr(root, "", AT_EMPTY_PATH, &read_only, sizeof read_only), "mount_setattr");
    check(fchdir(root), "fchdir");
    check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    check(umount2(".", MNT_DETACH), "umount2");
    check(chdir("/"), "chdir");
}

static void build_root(int root) {
    check(mount("", "/", "", MS_PRIVATE | MS_REC, NULL), "mount");
    check(move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), "move_mount");
    mount_filesystems(root);
    make_nodes_and_links(root);
    protect_paths(root);
    mask_paths(root);
    enter_root(root);
}

// --- the child: the process
// -------------------------------------------------------------------------------------

static void raise_loopback(void) {
    const int wire = check(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
    struct ifreq loopback = {.ifr_name = "lo"};
    check(ioctl(wire, SIOCGIFFLAGS, &loopback), "SIOCGIFFLAGS");
    loopback.ifr_flags |= IFF_UP;
    check(ioctl(wire, SIOCSIFFLAGS, &loopback), "SIOCSIFFLAGS");
    close(wire);
}

static void await_go(int meeting) {
    char go;
    if (read(meeting, &go, 1) != 1) _exit(FAILED);
}

static _Noreturn void become_container(int root, int meeting, char** program) {
    umask(0);
    check(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL), "keyctl");
    check(setsid(), "setsid");
    check(unshare(CLONE_NEWCGROUP), "unshare");  // here, where the process is in its cgroup already
    raise_loopback();
    build_root(root);
    check(sethostname(hostname, sizeof hostname - 1), "sethostname");
    check(setrlimit(RLIMIT_NOFILE, &open_files), "setrlimit");
    await_go(meeting);
    drop_privileges();
    umask(022);
    check(syscall(SYS_close_range, 3, ~0u, 0), "close_range");
    execve(program[0], program, environment);
    check(-1, program[0]);
    _exit(FAILED);
}

// --- the parent
// -------------------------------------------------------------------------------------------------

static int open_root(const char* path) {
    struct mount_attr slave = {.propagation = MS_SLAVE};
    const int tree = clone_tree(AT_FDCWD, path, AT_RECURSIVE);
    check(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &slave, sizeof slave), "mount_setattr");
    return tree;
}

static int contain(const char* rootfs, char** program, const char* cgroup_path) {
    int meeting[2];
    const int cgroup = check(open(cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), cgroup_path);
    const int root = open_root(rootfs);
    check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, meeting), "socketpair");
    struct clone_args arguments = {
        .flags = CLONE_INTO_CGROUP | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET,
        .exit_signal = SIGCHLD,
        .cgroup = (unsigned)cgroup};
    const pid_t child = check(syscall(SYS_clone3, &arguments, sizeof arguments), "clone3");
    if (child == 0) {
        close(meeting[1]);
        become_container(root, meeting[0], program);
    }
    close(meeting[0]);
    attach_device_filter(cgroup);  // while the child mounts; its program waits for "go"
    (void)!write(meeting[1], "g", 1);
    return wait_for(child);
}

int main(int argc, char** argv) {
    if (argc == 2 && strcmp(argv[1], "--nothing") == 0) return 0;
    if (argc < 3) {
        fprintf(stderr, "usage: floor ROOTFS PROGRAM [ARGS]\n");
        return FAILED;
    }
    char cgroup_path[64];
    snprintf(cgroup_path, sizeof cgroup_path, "/sys/fs/cgroup/bulkhead-floor-%d", getpid());
    check(mkdir(cgroup_path, 0755), cgroup_path);
    const int status = contain(argv[1], argv + 2, cgroup_path);
    check(rmdir(cgroup_path), cgroup_path);
    return status;
}
