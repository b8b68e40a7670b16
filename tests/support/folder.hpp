// SPDX-License-Identifier: Apache-2.0
// A folder that goes with the test, and small ways to look at files.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/fd.hpp"

namespace bulkhead::test {

class Folder {
  public:
    Folder() {
        char name[] = "/tmp/bulkhead-test.XXXXXX";
        if (::mkdtemp(name) == nullptr) ADD_FAILURE() << "no temporary folder";
        path_ = name;
        fd_ = Fd(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        if (maker_ == ::getpid()) std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    int fd() const { return fd_.number(); }

  private:
    std::string path_;
    Fd fd_;
    pid_t maker_ = ::getpid();
};

inline void write_text(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

inline std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline bool is_there(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

inline struct stat status_of_path(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status;
}

inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
inline bool closes_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator list("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(list), end(list)));
}

}  // namespace bulkhead::test
