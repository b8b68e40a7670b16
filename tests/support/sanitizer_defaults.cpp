// SPDX-License-Identifier: Apache-2.0
// Linked into the sanitized binary only: AddressSanitizer would set RLIMIT_CORE to 0 by itself, and a
// container inherits its caller's limits.
extern "C" const char* __asan_default_options();  // NOLINT: the sanitizer's name
extern "C" const char* __asan_default_options() { return "disable_coredump=0"; }
