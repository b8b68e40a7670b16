// SPDX-License-Identifier: Apache-2.0
// What the process is: program, identity, capabilities, flags, signals, session.
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "probe.h"

static const char* const capabilities[] = {"chown",
                                           "dac_override",
                                           "dac_read_search",
                                           "fowner",
                                           "fsetid",
                                           "kill",
                                           "setgid",
                                           "setuid",
                                           "setpcap",
                                           "linux_immutable",
                                           "net_bind_service",
                                           "net_broadcast",
                                           "net_admin",
                                           "net_raw",
                                           "ipc_lock",
                                           "ipc_owner",
                                           "sys_module",
                                           "sys_rawio",
                                           "sys_chroot",
                                           "sys_ptrace",
                                           "sys_pacct",
                                           "sys_admin",
                                           "sys_boot",
                                           "sys_nice",
                                           "sys_resource",
                                           "sys_time",
                                           "sys_tty_config",
                                           "mknod",
                                           "lease",
                                           "audit_write",
                                           "audit_control",
                                           "setfcap",
                                           "mac_override",
                                           "mac_admin",
                                           "syslog",
                                           "wake_alarm",
                                           "block_suspend",
                                           "audit_read",
                                           "perfmon",
                                           "bpf",
                                           "checkpoint_restore"};

static const char* kind_of(const struct stat* status) {
    static char text[64];
    const char* const name = S_ISREG(status->st_mode)    ? "file"
                             : S_ISDIR(status->st_mode)  ? "directory"
                             : S_ISFIFO(status->st_mode) ? "pipe"
                             : S_ISSOCK(status->st_mode) ? "socket"
                             : S_ISCHR(status->st_mode)  ? "char"
                             : S_ISBLK(status->st_mode)  ? "block"
                                                         : "anonymous";
    if (!S_ISCHR(status->st_mode) && !S_ISBLK(status->st_mode)) return name;
    // The number of a pty is chance, that it is one is not.
    const unsigned number = major(status->st_rdev);
    if (number >= 136 && number <= 143) return "pty";
    snprintf(text, sizeof text, "%s %u:%u", name, number, minor(status->st_rdev));
    return text;
}

// A null device of the host is the host's: whoever owns the number of its owner can change its mode through
// it.
static const char* whose(const struct stat* status) {
    struct stat own;
    if (!S_ISCHR(status->st_mode) || status->st_rdev != makedev(1, 3)) return "";
    return stat("/dev/null", &own) == 0 && own.st_dev == status->st_dev && own.st_ino == status->st_ino
               ? " own"
               : " foreign";
}

void tell_descriptors(void) {
    static const char* const access[] = {"read", "write", "read-write", "path"};
    for (int fd = 0; fd < 65536; ++fd) {
        const int flags = fcntl(fd, F_GETFL);
        struct stat status;
        if (flags < 0 || fstat(fd, &status) < 0) continue;
        char key[32];
        snprintf(key, sizeof key, "descriptor.%d", fd);
        say(key, "%s%s %s%s%s%s owner %u:%u", kind_of(&status), whose(&status),
            flags & O_PATH ? "path" : access[flags & O_ACCMODE], flags & O_APPEND ? " append" : "",
            flags & O_NONBLOCK ? " nonblock" : "", fcntl(fd, F_GETFD) & FD_CLOEXEC ? " cloexec" : "",
            status.st_uid, status.st_gid);
    }
}

void tell_program(int argc, char** argv, char** envp) {
    char key[32];
    for (int i = 0; i < argc; ++i) {
        snprintf(key, sizeof key, "argument.%d", i);
        say(key, "%s", quoted(argv[i]));
    }
    for (int i = 0; envp[i]; ++i) {
        snprintf(key, sizeof key, "environment.%d", i);
        say(key, "%s", quoted(envp[i]));
    }
    char path[4096] = "", name[32] = "";
    say("executable", "%s",
        readlink("/proc/self/exe", path, sizeof path - 1) < 0 ? outcome(-1) : quoted(path));
    say("name", "%s", prctl(PR_GET_NAME, name) < 0 ? outcome(-1) : quoted(name));
    say("at_secure", "%lu", getauxval(AT_SECURE));
}

static int ascending(const void* left, const void* right) {
    const gid_t a = *(const gid_t*)left, b = *(const gid_t*)right;
    return a < b ? -1 : a > b;
}

void tell_identity(void) {
    uid_t real, effective, saved;
    getresuid(&real, &effective, &saved);
    say("uid", "%u %u %u %d", real, effective, saved, setfsuid((uid_t)-1));
    getresgid(&real, &effective, &saved);
    say("gid", "%u %u %u %d", real, effective, saved, setfsgid((gid_t)-1));
    static gid_t groups[65536];
    const int count = getgroups(65536, groups);
    qsort(groups, count < 0 ? 0 : (size_t)count, sizeof *groups, ascending);
    printf("groups=");
    for (int i = 0; i < count; ++i) printf("%s%u", i ? " " : "", groups[i]);
    puts(count > 0 ? "" : "none");
    const mode_t mask = umask(0);
    umask(mask);
    say("umask", "%04o", mask);
}

static void tell_set(const char* kind, unsigned long long bits) {
    printf("capabilities.%s=", kind);
    for (unsigned bit = 0, found = 0; bit < 64; ++bit)
        if (bits >> bit & 1) printf("%s%s", found++ ? " " : "", NAME_OF(capabilities, bit));
    puts(bits ? "" : "none");
}

void tell_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct low_high[2] = {0};
    syscall(SYS_capget, &header, low_high);
    unsigned long long bounding = 0, ambient = 0;
    for (unsigned bit = 0; bit < 64; ++bit) {
        bounding |= (unsigned long long)(prctl(PR_CAPBSET_READ, bit, 0, 0, 0) == 1) << bit;
        ambient |= (unsigned long long)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, bit, 0, 0) == 1) << bit;
    }
    tell_set("bounding", bounding);
    tell_set("effective", low_high[0].effective | (unsigned long long)low_high[1].effective << 32);
    tell_set("permitted", low_high[0].permitted | (unsigned long long)low_high[1].permitted << 32);
    tell_set("inheritable", low_high[0].inheritable | (unsigned long long)low_high[1].inheritable << 32);
    tell_set("ambient", ambient);
}

// The value behind "NAME:" in /proc/self/status.
static const char* status_field(const char* name) {
    const char* text = contents("/proc/self/status");
    if (!text) return outcome(-1);
    const char* const found = strstr(text, name);
    static char value[64];
    value[0] = 0;
    if (found) sscanf(found + strlen(name), " %63[^\n]", value);
    return value;
}

void tell_flags(void) {
    static const char* const modes[] = {"none", "strict", "filter"};
    int signal_number = 0, reaper = 0;
    prctl(PR_GET_PDEATHSIG, &signal_number);
    prctl(PR_GET_CHILD_SUBREAPER, &reaper);
    say("no_new_privs", "%d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    say("seccomp.mode", "%s", NAME_OF(modes, (unsigned)prctl(PR_GET_SECCOMP)));
    say("seccomp.filters", "%s", status_field("\nSeccomp_filters:"));
    say("dumpable", "%d", prctl(PR_GET_DUMPABLE));
    say("securebits", "0x%x", prctl(PR_GET_SECUREBITS));
    say("keepcaps", "%d", prctl(PR_GET_KEEPCAPS));
    say("parent_death_signal", "%d", signal_number);
    say("child_subreaper", "%d", reaper);
    say("personality", "0x%x", personality(0xffffffff));
    const char* const label = contents("/proc/self/attr/current");
    say("label", "%s", label ? quoted(label) : outcome(-1));
    const char* const adjustment = contents("/proc/self/oom_score_adj");
    say("oom_score_adj", "%s", adjustment ? adjustment : outcome(-1));
    const char* const dump_filter = contents("/proc/self/coredump_filter");
    say("coredump_filter", "%s", dump_filter ? dump_filter : outcome(-1));
}

void tell_signals(void) {
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    printf("signals.blocked=");
    int found = 0;
    for (int number = 1; number <= 64; ++number)
        if (sigismember(&blocked, number) == 1) printf("%s%d", found++ ? " " : "", number);
    puts(found ? "" : "none");
    printf("signals.ignored=");
    found = 0;
    for (int number = 1; number <= 64; ++number) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            printf("%s%d", found++ ? " " : "", number);
    }
    puts(found ? "" : "none");
}

static void tell_terminal(void) {
    const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    say("terminal", "%s", outcome(terminal));
    if (terminal < 0) return;
    struct winsize size = {0};
    struct termios modes = {0};
    ioctl(terminal, TIOCGWINSZ, &size);
    tcgetattr(terminal, &modes);
    say("terminal.size", "%d rows %d columns", size.ws_row, size.ws_col);
    say("terminal.session", "%s", tcgetsid(terminal) == getsid(0) ? "own" : "another");
    say("terminal.foreground", "%s", tcgetpgrp(terminal) == getpgrp() ? "own" : "another");
    say("terminal.modes", "%s %s %s %s", modes.c_lflag & ICANON ? "icanon" : "-icanon",
        modes.c_lflag & ECHO ? "echo" : "-echo", modes.c_lflag & ISIG ? "isig" : "-isig",
        modes.c_oflag & OPOST ? "opost" : "-opost");
    close(terminal);
}

void tell_session(void) {
    say("pid", "%s", getpid() == 1 ? "1" : "another");
    say("parent", "%s", getppid() == 0 ? "outside" : "visible");
    say("group", "%s", getpgrp() == getpid() ? "leader" : getpgrp() == 0 ? "outside" : "member");
    say("session", "%s", getsid(0) == getpid() ? "leader" : getsid(0) == 0 ? "outside" : "member");
    say("stdio_terminals", "%d %d %d", isatty(0), isatty(1), isatty(2));
    tell_terminal();
}
