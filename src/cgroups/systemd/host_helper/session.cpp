// SPDX-License-Identifier: Apache-2.0
// host-helper systemd: requests and answers are messages of words (base/companion.hpp).
#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>

#include "base/companion.hpp"
#include "base/socket.hpp"
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

// "ok" and the answer, or "error", its name and its sentence.
bool send(const Answer<Texts>& answer) {
    Texts words{answer ? "ok" : "error"};
    if (answer)
        words.insert(words.end(), answer->begin(), answer->end());
    else
        words.insert(words.end(), {answer.error().name, answer.error().text});
    return sys::send(STDIN_FILENO, message_of(words)).has_value();
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
