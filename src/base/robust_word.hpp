// SPDX-License-Identifier: Apache-2.0
// A word of memory that another process can watch without a system call, and that tells when we die, however
// we die: the kernel walks the list of robust futexes of a thread that ends (set_robust_list(2), Linux
// 2.6.17).
#pragma once

#include <linux/futex.h>

#include <cstdint>
#include <memory>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead {

class RobustWord {
  public:
    // The word: the id of the thread that made it; 0 once it is released; with the bit FUTEX_OWNER_DIED if
    // that thread has ended before.
    static Result<RobustWord> make();
    RobustWord() = default;

    // The page of memory that begins with the word, for the other process to map.
    Fd take_file() { return std::move(file_); }
    void release();

  private:
    struct Page {
        std::uint32_t word;
        robust_list entry;
    };
    struct Unmap {
        void operator()(Page* page) const;
    };
    static robust_list_head* list();

    Fd file_;
    std::unique_ptr<Page, Unmap> page_;
};

}  // namespace bulkhead
