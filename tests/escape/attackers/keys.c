// SPDX-License-Identifier: Apache-2.0
// gcc -static
// keys hold NAME TEXT FILE [KEYRING] -- PROGRAM...: runs a program in a new session keyring (a named one if KEYRING is given)
//     that holds a key; writes the key's number into FILE. Others may join the keyring, which is what possession needs.
// keys seek NAME NUMBER: in the container; prints every way that finds or reads the key, and the session keyring's name.
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long keyctl(int command, long first, long second, long third, long fourth) {
    return syscall(SYS_keyctl, command, first, second, third, fourth);
}

static long add_key(const char* name, const char* text) {
    return syscall(SYS_add_key, "user", name, text, strlen(text), KEY_SPEC_SESSION_KEYRING);
}

static int hold(char** arguments) {
    char** program = arguments + 3;
    const char* keyring = strcmp(*program, "--") == 0 ? NULL : *program++;
    if (keyctl(KEYCTL_JOIN_SESSION_KEYRING, (long)keyring, 0, 0, 0) < 0) return 3;
    long key = add_key(arguments[0], arguments[1]);
    keyctl(KEYCTL_SETPERM, KEY_SPEC_SESSION_KEYRING, 0x3f3f3f3f, 0, 0);
    FILE* file = fopen(arguments[2], "w");
    if (key < 0 || !file) return 3;
    fprintf(file, "%ld", key);
    fclose(file);
    execv(program[1], program + 1);
    return 3;
}

static void try_read(const char* way, long key) {
    char text[256] = "";
    if (key > 0 && keyctl(KEYCTL_READ, key, (long)text, sizeof text - 1, 0) >= 0) printf("%s: %s\n", way, text);
}

static int seek(const char* name, long number) {
    static const struct { const char* name; long number; } rings[] = {
        {"session", KEY_SPEC_SESSION_KEYRING}, {"process", KEY_SPEC_PROCESS_KEYRING}, {"thread", KEY_SPEC_THREAD_KEYRING},
        {"user", KEY_SPEC_USER_KEYRING}, {"user session", KEY_SPEC_USER_SESSION_KEYRING}};
    for (unsigned i = 0; i < sizeof rings / sizeof *rings; i++) {
        try_read(rings[i].name, keyctl(KEYCTL_SEARCH, rings[i].number, (long)"user", (long)name, 0));
    }
    try_read("request_key", syscall(SYS_request_key, "user", name, NULL, 0));
    try_read("number", number);
    if (keyctl(KEYCTL_LINK, number, KEY_SPEC_SESSION_KEYRING, 0, 0) == 0) puts("linked");
    char text[256] = "";
    if (keyctl(KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, (long)text, sizeof text - 1, 0) > 0) {
        printf("name: %s\n", strrchr(text, ';') + 1);
    }
    try_read("own", add_key("own key", "works"));
    return 0;
}

int main(int argc, char** argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 6 && strcmp(argv[1], "hold") == 0) return hold(argv + 2);
    if (argc == 4 && strcmp(argv[1], "seek") == 0) return seek(argv[2], atol(argv[3]));
    return 2;
}
