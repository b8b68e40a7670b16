// SPDX-License-Identifier: Apache-2.0
// Whole files, bounded on reading and atomic on writing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead {

// The text of a regular file of at most `limit` bytes. A fifo, a device or a directory is refused; the file
// is opened (without blocking) before that is known, so use it only for files that nobody but the
// administrator or the caller can put there.
Result<std::string> read_file_at(int directory, const std::string& path, std::size_t limit);
// The same of one that is open; `path` is for messages.
Result<std::string> read_file(int file, const std::string& path, std::size_t limit);
// The text of a file of procfs, sysfs or cgroupfs, whose size is not known before it is read.
Result<std::string> read_kernel_file(int directory, const std::string& path);
// The same of a file that is one line, without its end.
Result<std::string> read_kernel_line(int directory, const std::string& path);
// One write(2) to an existing file of procfs, sysfs or cgroupfs.
Result<> write_kernel_file(int directory, const std::string& path, std::string_view text);

// Writes a temporary file beside `path` and renames it over it: a reader sees the old text or the new one,
// and a symbolic link at `path` is replaced, not followed.
Result<> replace_file_at(int directory, const std::string& path, std::string_view text, mode_t mode);

// Names in a directory, without "." and ".."; sorted.
Result<std::vector<std::string>> names_in(int directory);

// `path` as it is if absolute, else below the current directory.
Result<std::string> absolute(const std::string& path);

}  // namespace bulkhead
