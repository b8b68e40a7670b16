// SPDX-License-Identifier: Apache-2.0
// base/raw.hpp takes its structures from the kernel's headers, which do not mix with libc's. A test needs
// both: here libc's come first, and the kernel's that say the same once more are told that they were there
// already.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define _LINUX_FCNTL_H
#define _LINUX_RESOURCE_H
#define __ASM_GENERIC_POLL_H
#define __LINUX_UIO_H

#include "base/raw.hpp"
