// SPDX-License-Identifier: Apache-2.0
// gcc -static
// opener STOP c:1:11 b:8:0 ...: makes a node for each of these devices in /tmp and opens them again and again, to read and to write,
// until there is a file STOP. Prints the device of each success, once, and at the end how many rounds there were.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEVICES 32

int main(int argc, char** argv) {
    char names[DEVICES][32];
    int seen[DEVICES] = {0};
    int count = argc - 2;
    if (count < 1 || count > DEVICES) return 2;
    for (int i = 0; i < count; i++) {
        char kind;
        unsigned major, minor;
        if (sscanf(argv[i + 2], "%c:%u:%u", &kind, &major, &minor) != 3) return 2;
        snprintf(names[i], sizeof names[i], "/tmp/node%d", i);
        if (mknod(names[i], (kind == 'b' ? S_IFBLK : S_IFCHR) | 0666, makedev(major, minor)) != 0) perror("mknod");
    }
    long rounds = 0;
    while (access(argv[1], F_OK) != 0) {
        for (int i = 0; i < count; i++)
            for (int mode = O_RDONLY; mode <= O_WRONLY; mode++) {
                int file = open(names[i], mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                if (file == -1) continue;
                close(file);
                if (!seen[i]++) printf("opened %s\n", argv[i + 2]);
            }
        rounds++;
    }
    printf("rounds %ld\n", rounds);
    return 0;
}
