// SPDX-License-Identifier: Apache-2.0
// mountinfo (proc(5)) in the stage: a line at a time, however long, without an allocator. Freestanding.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plan/stage_context.hpp"

namespace bulkhead::rootfs {

inline constexpr std::size_t mount_path_limit = 4096;  // PATH_MAX

// The fields of a line that the stage needs.
struct MountLine {
    std::uint32_t id = 0, parent = 0;
    std::uint32_t attributes = 0;  // MOUNT_ATTR_* of the mount itself, whatever its file system is
    std::size_t length = 0;        // of the path
    char path[mount_path_limit];   // of the mount point, from our root
};

class MountTable {
  public:
    // `self`: our own directory of procfs.
    explicit MountTable(int self) : file_(raw::openat(self, "mountinfo", O_RDONLY)) {}

    // Not below zero, or -errno.
    long opened() const { return file_.number(); }
    // 1 with a line, 0 at the end, or -errno. ENAMETOOLONG: a longer path than the kernel takes.
    long next(MountLine& line);

  private:
    bool at_end() { return current() == '\0'; }
    char current();
    void advance();
    void skip_field();
    std::uint32_t number();
    char unescaped();
    void read_path(MountLine& line);
    std::uint32_t read_attributes();

    raw::Handle file_;
    char bytes_[512];
    std::size_t at_ = 0, size_ = 0;
    long error_ = 0;
};

}  // namespace bulkhead::rootfs
