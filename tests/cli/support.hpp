// SPDX-License-Identifier: Apache-2.0
// A temporary directory, and what was written to a descriptor while something ran.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace bulkhead::cli {

class TemporaryDirectory {
  public:
    TemporaryDirectory() { path_ = ::mkdtemp(name_.data()); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string name_ = testing::TempDir() + "/bulkhead-cli-XXXXXX";
    std::string path_;
};

inline std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// `number` (1 or 2) is something else while `act` runs.
template <class Act>
void with_descriptor(int number, int replacement, Act act) {
    const int saved = ::dup(number);
    ::dup2(replacement, number);
    act();
    ::dup2(saved, number);
    ::close(saved);
}

// What `act` writes to descriptor `number`.
template <class Act>
std::string captured(int number, Act act) {
    const TemporaryDirectory directory;
    const int file = ::open((directory / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    with_descriptor(number, file, act);
    ::close(file);
    return text_of(directory / "out");
}

}  // namespace bulkhead::cli
