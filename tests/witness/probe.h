// SPDX-License-Identifier: Apache-2.0
// The parts of the probe. Each prints lines "key=value" in an order that does not depend on the machine.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// What the harness asks for in /witness.ask, one a line: "host NAMESPACE INODE", "path PATH", "sysctl NAME".
typedef struct {
    char verb[16], subject[256], value[64];
} Question;

typedef struct {
    Question list[256];
    size_t count;
} Questions;

void say(const char* key, const char* format, ...) __attribute__((format(printf, 2, 3)));
// A text as one word of a line: what is not printable ASCII, the backslash too, becomes \xNN. Static buffer.
const char* quoted(const char* text);
// "ok", or the name of errno.
const char* outcome(long result);
// The whole of a small file, newline at the end removed; NULL and errno where it cannot be read. Static
// buffer.
const char* contents(const char* path);
// A number of a table of names, or "number N".
const char* name_of(const char* const* names, size_t count, unsigned number);
#define NAME_OF(names, number) name_of(names, sizeof(names) / sizeof *(names), number)

void tell_descriptors(void);  // first: nothing of the probe's own is open yet
void tell_program(int argc, char** argv, char** envp);
void tell_identity(void);
void tell_capabilities(void);
void tell_flags(void);
void tell_signals(void);
void tell_session(void);
void tell_limits(void);
void tell_scheduling(void);
void tell_keyring(void);
void tell_namespaces(const Questions* asked);
void tell_system(const Questions* asked);
void tell_network(void);
void tell_mounts(void);
void tell_directories(void);
void tell_devices(void);
void tell_paths(const Questions* asked);
void tell_calls(void);  // last: it tries what may be forbidden
