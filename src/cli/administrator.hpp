// SPDX-License-Identifier: Apache-2.0
// Where bulkhead.yaml is, who may have written it, and what becomes of a call when it cannot be used.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/defaults.hpp"
#include "cli/log.hpp"
#include "cli/site.hpp"

namespace bulkhead::cli {

// The file of this caller: root's below /etc, and that alone, because it says which directories strangers'
// annotations may name; anybody else's own, below XDG_CONFIG_HOME or HOME. Empty if neither is set.
std::string defaults_file(const Caller& caller);

// A file that is missing is no defaults. It must be a regular file that belongs to the caller or to root, be
// writable for nobody else and no symbolic link: all is asked of the open file. One that belongs to somebody
// outside of the caller's user namespace is none of its. `path`: of defaults_file.
Result<Defaults> read_defaults(const std::string& path, const Caller& caller);

// The verbs that use a default beside the log, and so do nothing when it cannot be read. All others go on
// without: a mistake in the file must not keep anybody from stopping a container.
inline constexpr Commands users_of_defaults = planners | for_commands(Command::spec);

// What a call begins with.
struct Opening {
    Options options;  // with the defaults
    Log log;
    std::optional<Error> trouble;  // with the file, or with the log that it names
};
// Errors: --log alone. Command::none and help do not look at the file.
Result<Opening> open_call(const Options& options, Command command, const Caller& caller);

}  // namespace bulkhead::cli
