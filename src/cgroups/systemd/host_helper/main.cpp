// SPDX-License-Identifier: Apache-2.0
// host-helper REQUEST...: the small dynamic program for what has no static library in Debian. The main binary
// runs it seldom, with an empty environment and a deadline (cgroups/group/helper.hpp,
// cgroups/systemd/systemd.hpp). Exit status: 0 an answer on stdout, 1 there is none (why, on stderr), 2 an
// unknown request.
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
    // Whatever it waits for, nobody is left to be told when its caller has died.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const Request& request : requests)
        if (count >= 2 && request.name == arguments[1])
            return request.answer({arguments + 2, arguments + count});
    (void)std::fputs("usage: host-helper cgroup2-mount | systemd ADDRESS...\n", stderr);
    return 2;
}
