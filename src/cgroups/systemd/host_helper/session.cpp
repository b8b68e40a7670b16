// SPDX-License-Identifier: Apache-2.0
// host-helper systemd: requests and answers are messages of words. A NUL follows each word.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>

#include "base/socket.hpp"
#include "base/text.hpp"
#include "cgroups/systemd/host_helper/requests.hpp"
#include "cgroups/systemd/host_helper/units.hpp"

namespace bulkhead::host_helper {

namespace {

using Texts = std::vector<std::string>;

constexpr std::size_t request_limit = 1 << 20;

struct Request {
    std::string_view name;
    Answer<Texts> (*answer)(Connection& systemd, Words words);
};
constexpr std::array requests{
    Request{"attach-process", attach_process},
    Request{"set-properties", set_properties},
    Request{"start-unit", start_unit},
    Request{"stop-unit", stop_unit},
};

Texts words_of(std::string_view message) {
    Texts words;
    for (std::size_t end = message.find('\0'); end != message.npos; end = message.find('\0')) {
        words.emplace_back(message.substr(0, end));
        message.remove_prefix(end + 1);
    }
    return words;
}

std::string message_of(std::string_view first, const Texts& words) {
    std::string message(first);
    message += '\0';
    for (const std::string& word : words) message.append(word) += '\0';
    return message;
}

bool send(const Answer<Texts>& answer) {
    const std::string message =
        answer ? message_of("ok", *answer) : message_of("error", {answer.error().name, answer.error().text});
    return sys::send(STDIN_FILENO, message).has_value();
}

Answer<Texts> answer_to(Connection& systemd, const Texts& words) {
    for (const Request& request : requests)
        if (!words.empty() && request.name == words[0])
            return request.answer(systemd, std::span(words).subspan(1));
    return std::unexpected(BusError{{}, "an unknown request"});
}

}  // namespace

int serve_systemd(const Texts& addresses) {
    std::string buffer(request_limit, '\0');
    const auto hello = sys::receive(STDIN_FILENO, buffer);  // any request: the answer describes systemd
    if (!hello || hello->size == 0) return 1;
    auto systemd = Connection::open(addresses);
    if (!systemd) {
        (void)send(std::unexpected(systemd.error()));
        return 1;
    }
    if (!send(describe_manager(*systemd))) return 1;
    for (;;) {
        const auto received = sys::receive(STDIN_FILENO, buffer);
        if (!received || received->size == 0) return 0;
        if (!send(answer_to(*systemd, words_of({buffer.data(), received->size})))) return 1;
    }
}

}  // namespace bulkhead::host_helper
