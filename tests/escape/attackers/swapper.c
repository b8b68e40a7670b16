// SPDX-License-Identifier: Apache-2.0
// gcc -static
// swapper DIRECTORY A B: exchanges the two names as fast as it can until it is killed; says "ready" first.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int directory = open(argv[1], O_PATH | O_DIRECTORY);
    if (directory < 0) return 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        if (syscall(SYS_renameat2, directory, argv[2], directory, argv[3], RENAME_EXCHANGE) != 0) return 1;
    }
}
