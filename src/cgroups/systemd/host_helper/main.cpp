// SPDX-License-Identifier: Apache-2.0
// host-helper REQUEST...: the small dynamic program for libraries that Debian has no static version of. The
// main binary runs it with an empty environment and a deadline (cgroups/helper.hpp, cgroups/systemd.hpp).
// Exit status: 0 an answer on stdout, 1 none (the reason on stderr), 2 an unknown request.
#include <sys/prctl.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "cgroups/systemd/host_helper/requests.hpp"

namespace {

struct Request {
    std::string_view name;
    int (*answer)(const std::vector<std::string>& arguments);
};
constexpr std::array requests{Request{"cgroup2-mount", bulkhead::host_helper::cgroup2_mount},
                              Request{"systemd", bulkhead::host_helper::serve_systemd}};

}  // namespace

int main(int count, char** arguments) {
    // If the caller dies, no process reads the answer any more, so the helper ends at once.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const Request& request : requests)
        if (count >= 2 && request.name == arguments[1])
            return request.answer({arguments + 2, arguments + count});
    (void)std::fputs("usage: host-helper cgroup2-mount | systemd ADDRESS...\n", stderr);
    return 2;
}
