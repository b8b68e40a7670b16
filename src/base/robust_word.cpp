// SPDX-License-Identifier: Apache-2.0
#include "base/robust_word.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "base/sys.hpp"

namespace bulkhead {

namespace {

constexpr std::size_t page_size = 4096;

}  // namespace

// The runtime has one thread, and libc's own list for it stays empty: nothing here has a robust mutex.
robust_list_head* RobustWord::list() {
    static robust_list_head head{
        {&head.list}, long{offsetof(Page, word)} - long{offsetof(Page, entry)}, nullptr};
    return &head;
}

void RobustWord::Unmap::operator()(Page* page) const {
    for (robust_list* each = &list()->list; each->next != &list()->list; each = each->next)
        if (each->next == &page->entry) {
            each->next = page->entry.next;
            break;
        }
    ::munmap(page, page_size);
}

Result<RobustWord> RobustWord::make() {
    RobustWord made;
    LET(made.file_, sys::memory_file("handshake", false));
    if (::ftruncate(made.file_.number(), page_size) == -1) return system_error(errno, "ftruncate");
    void* memory = ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, made.file_.number(), 0);
    if (memory == MAP_FAILED) return system_error(errno, "mmap");
    robust_list& first = list()->list;
    made.page_.reset(new (memory) Page{static_cast<std::uint32_t>(::gettid()), {first.next}});
    first.next = &made.page_->entry;
    if (::syscall(SYS_set_robust_list, list(), sizeof *list()) == -1)
        return system_error(errno, "set_robust_list");
    return made;
}

void RobustWord::release() { std::atomic_ref(page_->word).store(0, std::memory_order_release); }

}  // namespace bulkhead
