// SPDX-License-Identifier: Apache-2.0
// The verbs of the command line; names and shapes are runc's.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bulkhead::cli {

enum class Command : std::uint8_t {
    none,
    create,
    run,
    start,
    state,
    exec,
    ps,
    events,
    kill,
    pause,
    resume,
    update,
    remove,
    list,
    spec,
    features,
    explain,
    help,
};

inline constexpr std::uint8_t unlimited = 255;

struct CommandRow {
    Command command;
    std::string_view name;
    std::string_view operands;  // for the usage line
    std::uint8_t least;         // number of operands
    std::uint8_t most;          // or unlimited
    bool flags_first;           // an operand ends the flags: what follows belongs to the program, or to ps(1)
    std::string_view summary;
};

inline constexpr std::array commands{
    CommandRow{Command::create, "create", "CONTAINER-ID", 1, 1, false, "create a container, do not start it"},
    CommandRow{Command::run, "run", "CONTAINER-ID", 1, 1, false, "create a container and run it"},
    CommandRow{Command::start, "start", "CONTAINER-ID", 1, 1, false,
               "start the process of a created container"},
    CommandRow{Command::state, "state", "CONTAINER-ID", 1, 1, false,
               "print the state of a container as JSON"},
    CommandRow{Command::exec, "exec", "CONTAINER-ID [PROGRAM [ARGUMENT...]]", 1, unlimited, true,
               "run another process in a container"},
    CommandRow{Command::ps, "ps", "CONTAINER-ID [PS-OPTION...]", 1, unlimited, true,
               "list the processes of a container, as ps(1) with these options (default: -ef) shows them"},
    CommandRow{Command::events, "events", "CONTAINER-ID", 1, 1, false,
               "print what a container uses every few seconds, and when it runs out of memory, as JSON"},
    CommandRow{Command::kill, "kill", "CONTAINER-ID [SIGNAL]", 1, 2, true,
               "send a signal (default: SIGTERM) to a container's init process, or to all of its processes"},
    CommandRow{Command::pause, "pause", "CONTAINER-ID", 1, 1, false, "freeze all processes of a container"},
    CommandRow{Command::resume, "resume", "CONTAINER-ID", 1, 1, false,
               "let the processes of a paused container go on"},
    CommandRow{Command::update, "update", "CONTAINER-ID", 1, 1, false,
               "change limits of a container while it runs"},
    CommandRow{Command::remove, "delete", "CONTAINER-ID", 1, 1, false, "remove what a container left behind"},
    CommandRow{Command::list, "list", "", 0, 0, false, "list the containers below the state root"},
    CommandRow{Command::spec, "spec", "", 0, 0, false, "write a config.json to start from"},
    CommandRow{Command::features, "features", "", 0, 0, false, "print what this runtime can do as JSON"},
    CommandRow{Command::explain, "explain", "[CONTAINER-ID]", 0, 1, false,
               "print what create would do with a bundle, step by step, without doing it"},
    CommandRow{Command::help, "help", "[COMMAND]", 0, 1, false,
               "print help, for everything or for one command"},
};

constexpr const CommandRow* find_command(std::string_view name) {
    if (name == "h") name = "help";
    const auto row = std::ranges::find(commands, name, &CommandRow::name);
    return row == commands.end() ? nullptr : &*row;
}

constexpr const CommandRow& row_of(Command command) {
    return *std::ranges::find(commands, command, &CommandRow::command);
}

// Every command has its row, in order.
constexpr bool table_is_sound() {
    for (std::size_t at = 0; at < commands.size(); ++at)
        if (commands[at].command != static_cast<Command>(at + 1)) return false;
    return commands.size() == static_cast<std::size_t>(Command::help);
}
static_assert(table_is_sound());

}  // namespace bulkhead::cli
