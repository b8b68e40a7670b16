// SPDX-License-Identifier: Apache-2.0
// gcc -static
// pusher FILE: what a program does to the terminal of whoever has started it, through 0, 1, 2, what else is open, and /dev/tty.
// Pushes "X" and a line end into its input (TIOCSTI), with the upper half of the request set as well (a filter that compares 64 bits
// lets that pass, the kernel looks at 32), changes its settings and size, and pastes by TIOCLINUX. FILE gets what worked.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static FILE* out;

static void push(int file, const char* name) {
    struct termios settings;
    struct winsize size = {.ws_row = 7, .ws_col = 7};
    const char word[] = "X\n";
    if (!isatty(file)) return;
    fprintf(out, "%s is a terminal\n", name);
    for (int i = 0; i < 2; i++) {
        if (syscall(SYS_ioctl, file, (unsigned long)TIOCSTI, &word[i]) == 0) fprintf(out, "%s: pushed\n", name);
        if (syscall(SYS_ioctl, file, 0x100000000UL | TIOCSTI, &word[i]) == 0) fprintf(out, "%s: pushed by 64 bits\n", name);
    }
    if (ioctl(file, TIOCSWINSZ, &size) == 0) fprintf(out, "%s: resized\n", name);
    if (tcgetattr(file, &settings) == 0) {
        settings.c_lflag ^= ECHO;
        settings.c_cc[VINTR] = 'q';
        if (tcsetattr(file, TCSANOW, &settings) == 0) fprintf(out, "%s: set\n", name);
    }
    if (ioctl(file, TIOCSCTTY, 1) == 0) fprintf(out, "%s: taken\n", name);
    char paste[] = {3};
    if (ioctl(file, TIOCLINUX, paste) == 0) fprintf(out, "%s: pasted\n", name);
}

int main(int argc, char** argv) {
    char name[32];
    out = argc > 1 ? fopen(argv[1], "we") : NULL;
    if (!out) return 1;
    for (int i = 0; i < 16; i++) {
        snprintf(name, sizeof name, "descriptor %d", i);
        if (i != fileno(out)) push(i, name);
    }
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (tty >= 0) {
        fputs("/dev/tty opened\n", out);
        push(tty, "/dev/tty");
    }
    fputs("end\n", out);
    fclose(out);
    puts("said");
    return 0;
}
