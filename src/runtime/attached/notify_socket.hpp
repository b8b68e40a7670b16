// SPDX-License-Identifier: Apache-2.0
// NOTIFY_SOCKET: a container tells its own socket that it is ready (sd_notify(3)), and the command that
// starts it tells the caller's service manager, which knows the container's main process by another pid.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <string>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"

namespace bulkhead::runtime {

inline constexpr const char* notify_variable = "NOTIFY_SOCKET=/run/notify/notify.sock";

// A socket that has no name yet (MountNotifySocket gives it one). Only ReadinessRelay receives from it, and
// never blocks, whatever happens to another copy.
Result<Fd> make_notify_socket();
// The socket that init keeps for `start`, by its number there (pidfd_getfd(2)). Anything but such a socket is
// refused: if a tracer lives in init's pid namespace it may have put anything in its place.
Result<Fd> take_notify_socket(const Fd& init, int number);
// If an older version has made a directory for it in the container's state: a new socket in there.
// Kind::not_found if there is none.
Result<Fd> renew_notify_socket(int state_directory);

// Passes on that the container is ready: READY=1, MAINPID=<pid>, BARRIER=1, once and nothing else, because
// everything that the container writes is untrusted. Then waits until the service manager has read it.
class ReadinessRelay {
  public:
    ReadinessRelay() = default;
    // The caller's socket, connected before anything is started; "@name" is an abstract one.
    static Result<ReadinessRelay> to(const std::string& caller_socket);

    void listen(Fd container) { container_ = std::move(container); }
    // True until the container has said so and the service manager has read it.
    bool active() const { return container_ || announcing_ || barrier_; }
    // The entry for poll(2) while active.
    pollfd input() const;
    // Handles what poll(2) found, without waiting; `main_process` is the pid that the service manager must
    // watch.
    Result<> pass(pid_t main_process);

    // Waits for the container's word and then for the service manager: the first as long as the process
    // lives; then caller_patience_ms for the manager to take the messages, which is an error if it does not,
    // and manager_patience_ms for it to come to the barrier.
    Result<> until_done(const Fd& process, pid_t pid);

  private:
    static constexpr unsigned messages = 3;

    Result<> announce(pid_t main_process);
    Result<> say(unsigned message, pid_t main_process);
    int patience_ms() const;

    Fd caller_;     // non-blocking: a manager that does not read keeps nobody from the container's signals
    Fd container_;  // until it is ready
    Fd barrier_;    // a pipe whose other end the service manager closes when it comes to our message
    bool announcing_ = false;
    unsigned said_ = 0;  // how many of the messages
    Deadline deadline_;  // of the manager, once the container is ready: to take them, then for the barrier
};

}  // namespace bulkhead::runtime
