// SPDX-License-Identifier: Apache-2.0
// Finds bulkhead.yaml, checks who may have written it, and decides what a call does if it cannot be used.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "cli/defaults.hpp"
#include "cli/flags.hpp"
#include "cli/log.hpp"
#include "cli/site.hpp"

namespace bulkhead::cli {

// The file of this caller: root's below /etc, and that alone, because it says which directories strangers'
// annotations may name; anybody else's own, below XDG_CONFIG_HOME or HOME. Empty if neither is set.
std::string defaults_file(const Caller& caller);

// A missing file gives no defaults. It must be a regular file, no symbolic link, that belongs to the caller
// or to root and that nobody else may write to: all of this is checked on the open file. A file of an owner
// outside the caller's user namespace is ignored. `path`: of defaults_file.
Result<Defaults> read_defaults(const std::string& path, const Caller& caller);

// The verbs that use more defaults than the log, and so fail if the file cannot be read. All others go on
// without it: a mistake in the file must not keep anybody from stopping a container.
constexpr bool uses_defaults(Command command) {
    return command == Command::create || command == Command::run || command == Command::explain ||
           command == Command::spec;
}

// The beginning of a call: its options and its log.
struct Opening {
    Options options;  // with the defaults
    Log log;
    std::optional<Error> trouble;  // with the file, or with the log that it names
};
// Errors: --log alone. Command::none and help do not look at the file.
Result<Opening> open_call(const Options& options, Command command, const Caller& caller);

}  // namespace bulkhead::cli
