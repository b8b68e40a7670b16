// SPDX-License-Identifier: Apache-2.0
#include "runtime/steps/stage_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "plan/wire.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

namespace bulkhead::runtime {
namespace {

// Every way to change the file, and to let it be changed.
void expect_sealed(int fd) {
    EXPECT_EQ(::fcntl(fd, F_GET_SEALS) & (F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW),
              F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
    const std::string path = cat("/proc/self/fd/", fd);
    const Fd again(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    for (const int each : {fd, again.number()}) {
        EXPECT_EQ(::pwrite(each, "x", 1, 0), -1);
        EXPECT_EQ(::ftruncate(each, 0), -1);
        EXPECT_EQ(::ftruncate(each, 1 << 20), -1);
        EXPECT_EQ(::fcntl(each, F_ADD_SEALS, F_SEAL_GROW), -1);
        EXPECT_EQ(::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, each, 0), MAP_FAILED);
    }
}

TEST(StageFile, IsTheImageSealed) {
    const auto file = stage_file();
    ASSERT_TRUE(file);
    expect_sealed(file->number());
    EXPECT_TRUE(test::closes_on_exec(file->number()));
    EXPECT_EQ(read_kernel_file(sys::here, cat("/proc/self/fd/", file->number())).value(), stage_image());
    EXPECT_NE(sys::status_of(file->number())->st_mode & 0100, 0u) << "executable";
}

TEST(StageFile, IsASmallElf) {
    EXPECT_TRUE(
        stage_image().starts_with("\x7f"
                                  "ELF"));
    EXPECT_LE(stage_image().size(), 64u * 1024);
}

// CVE-2019-5736: whoever executes it again gets a program that does nothing.
TEST(StageFile, WithoutAPlanDoesNothing) {
    const Fd file = std::move(*stage_file());
    const std::vector<std::vector<const char*>> calls{{"x", nullptr},           {"x", "9", nullptr},
                                                      {"x", "0", nullptr},      {"x", "", nullptr},
                                                      {"x", "3", "3", nullptr}, {nullptr}};
    for (const auto& argv : calls) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::fexecve(file.number(), const_cast<char* const*>(argv.data()), ::environ);
            ::_exit(1);
        }
        EXPECT_EQ(test::reap(child), 64);
    }
}

TEST(StageFile, RefusesAPlanThatIsNone) {
    const Fd file = std::move(*stage_file());
    plan::PlanHeader wrong{.size = sizeof(plan::PlanHeader)};
    wrong.magic = 0;
    const plan::PlanHeader larger{.size = sizeof(plan::PlanHeader) + 1};
    for (const std::string& bytes : {std::string(), std::string("short"),
                                     std::string(reinterpret_cast<const char*>(&wrong), sizeof wrong),
                                     std::string(reinterpret_cast<const char*>(&larger), sizeof larger)}) {
        const Fd plan = std::move(*plan_file(bytes));
        const pid_t child = ::fork();
        if (child == 0) {
            ::dup2(plan.number(), 100);
            const char* const argv[] = {"x", "100", nullptr};
            ::fexecve(file.number(), const_cast<char* const*>(argv), ::environ);
            ::_exit(1);
        }
        EXPECT_EQ(test::reap(child), 64) << bytes.size();
    }
}

TEST(PlanFile, HoldsTheBytesSealed) {
    const std::string bytes("plan\0with a NUL", 15);
    const Fd file = std::move(*plan_file(bytes));
    expect_sealed(file.number());
    EXPECT_EQ(read_kernel_file(sys::here, cat("/proc/self/fd/", file.number())).value(), bytes);
    EXPECT_EQ(sys::status_of(file.number())->st_mode & 0111, 0u);
}

}  // namespace
}  // namespace bulkhead::runtime
