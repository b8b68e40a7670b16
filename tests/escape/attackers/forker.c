// SPDX-License-Identifier: Apache-2.0
// gcc -static -pthread
// forker HOW: a first process that is hard to live with. "vfork": for ever in vfork, uninterruptible. "threads": the leader has
// ended, a thread goes on. "children": has more children all the time, which end at once and are not collected until there are 500.
// A number: has so many children, which wait, and then makes /dev/shm/ready.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void* wait_for_ever(void* unused) {
    while (pause() != 0) continue;
    return unused;
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    puts("ready");
    fflush(stdout);
    alarm(60);
    if (strcmp(argv[1], "vfork") == 0) {
        pid_t pid = vfork();
        if (pid == 0) {
            for (int i = 0; i < 60; i++) sleep(1);
            _exit(0);
        }
        return 0;
    }
    if (strcmp(argv[1], "threads") == 0) {
        pthread_t other;
        pthread_create(&other, NULL, wait_for_ever, NULL);
        pthread_exit(NULL);
    }
    if (atoi(argv[1]) > 0) {
        int left = atoi(argv[1]);
        while (left > 0 && fork() != 0) left--;
        if (left == 0) fclose(fopen("/dev/shm/ready", "w"));
        wait_for_ever(NULL);
    }
    for (int i = 0;; i++) {
        pid_t pid = fork();
        if (pid == 0) _exit(0);
        if (i < 500) continue;
        while (waitpid(-1, NULL, WNOHANG) > 0) continue;
        i = 0;
        usleep(1000);
    }
}
