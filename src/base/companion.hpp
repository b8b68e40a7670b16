// SPDX-License-Identifier: Apache-2.0
// Another program of the host that goes on and answers questions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead {

// Its standard input is one end of a socket whose messages keep their borders (SOCK_SEQPACKET); it has an
// empty environment and no other descriptor but its output. It ends with its owner.
class Companion {
  public:
    // `program` is an absolute path.
    static Result<Companion> start(const std::string& program, const std::vector<std::string>& arguments);

    // Sends a message and waits for the one that answers it. A program that is silent for `deadline_ms` is
    // killed, and answers no more. If it has ended, the error has what it wrote last.
    Result<std::string> ask(std::string_view message, int deadline_ms);

    Companion(Companion&&) noexcept = default;
    Companion& operator=(Companion&& other) noexcept;
    ~Companion();

  private:
    Companion(Fd socket, Fd process, Fd output);
    void end();
    std::string last_words() const;

    Fd socket_;
    Fd process_;
    Fd output_;
};

// A message of words: a NUL stands after each. None has one in it (a word of a config never has:
// spec/parse.hpp refuses it).
std::string message_of(const std::vector<std::string>& words);
// Its words; what stands after the last NUL is none.
std::vector<std::string> words_of(std::string_view message);

}  // namespace bulkhead
