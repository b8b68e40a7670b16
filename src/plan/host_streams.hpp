// SPDX-License-Identifier: Apache-2.0
// Host steps on sockets and pipes of the caller, the container and hooks; and the hooks themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/arena.hpp"
#include "plan/step_list.hpp"
#include "plan/undo.hpp"

namespace bulkhead::plan {

// Connects to --console-socket before anything is started, so that a socket nobody listens on fails early.
struct ConnectConsole {
    static constexpr Undo undo = no_effect();
    std::string path;
};
// Sends the pty's master to the console socket.
struct SendConsole {
    static constexpr Undo undo = irreversible("the caller has it; it hangs up with the container");
};
// Sends the process's pidfd to --pidfd-socket.
struct SendPidfd {
    static constexpr Undo undo = irreversible("the caller has it; it tells that the process has ended");
    std::string path;
    std::string kind;  // runc's word: "standard" for init, "setns" for exec
};
// Makes a socket without a name, on which the program says that it is ready (sd_notify(3)); the stage gives
// it its name (MountNotifySocket).
struct MakeNotifySocket {
    static constexpr Undo undo = no_effect();
    Slot slot;
    using Fills = Members<&MakeNotifySocket::slot>;
};

// ---- hooks ------------------------------------------------------------------------------------------------

// A sealed memfd with the state for a hook to read, and a pipe for its output.
struct MakeHookStreams {
    static constexpr Undo undo = no_effect();
    Slot input;
    Slot output;
    using Fills = Members<&MakeHookStreams::input, &MakeHookStreams::output>;
};
enum class HookKind : std::uint8_t {
    prestart,
    create_runtime,
    create_container,
    start_container,
    poststart,
    poststop,
};
// The name of config.md, "POSIX-platform Hooks".
constexpr std::string_view word(HookKind kind) {
    constexpr std::string_view words[] = {"prestart",       "createRuntime", "createContainer",
                                          "startContainer", "poststart",     "poststop"};
    return words[static_cast<std::size_t>(kind)];
}
class Timeline;
struct Hook {
    std::string path;
    std::shared_ptr<const Timeline> timeline;  // its birth
    std::optional<std::int64_t> timeout_s;
};
// Runs the hooks of one kind one after the other, each by its own timeline, and watches over them. The first
// that fails ends the walk, but those of poststop all run.
struct RunHooks {
    static constexpr Undo undo = irreversible("a hook's effects are its own; poststop hooks follow");
    static constexpr Wording wording = Wording::of_the_step;
    HookKind kind;
    std::vector<Hook> hooks;
};

}  // namespace bulkhead::plan
