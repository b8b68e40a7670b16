// SPDX-License-Identifier: Apache-2.0
// The owner of a file descriptor. Everything that opens one lives in src/base and opens it close-on-exec.
#pragma once

#include <unistd.h>

#include <utility>

namespace bulkhead {

class Fd {
  public:
    Fd() = default;
    explicit Fd(int number) : number_(number) {}
    Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.number_, -1));
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    explicit operator bool() const { return number_ >= 0; }
    int number() const { return number_; }
    int release() { return std::exchange(number_, -1); }
    void reset(int number = -1) {
        if (number_ >= 0) ::close(number_);  // Linux frees the number even on EINTR: never retried
        number_ = number;
    }

  private:
    int number_ = -1;
};

}  // namespace bulkhead
