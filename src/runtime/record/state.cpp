// SPDX-License-Identifier: Apache-2.0
#include "runtime/record/state.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "spec/json.hpp"

namespace bulkhead::runtime {

namespace {

constexpr std::size_t size_limit = 4 << 20;
constexpr mode_t private_mode = 0600;  // the record names paths of the host
constexpr int read_flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;

}  // namespace

Result<> save(int directory, const State& state) {
    return replace_file_at(directory, state_file, serialize(state), private_mode);
}

// Nobody reads the config before the container is published, so it is written under its own name at once.
Result<> save_config(int directory, const std::string& text) {
    LET(const Fd file, sys::open_at(directory, config_copy, O_WRONLY | O_CREAT | O_EXCL, private_mode));
    return sys::write_all(file.number(), text);
}

// Follows no link, because that leads to a file that is not this container's.
Result<std::string> load_config(int directory) {
    LET(const Fd file, sys::open_at(directory, config_copy, read_flags));
    return read_file(file.number(), config_copy, json::document_limit);
}

Result<std::string> read_record(int directory) {
    const auto file = sys::open_at(directory, state_file, read_flags);
    // A link, or a socket or device in its place.
    const bool strange = !file && (file.error().err == ELOOP || file.error().err == ENXIO);
    if (strange) return fail(Kind::invalid_config, state_file, ": not a regular file");
    if (!file) return std::unexpected(file.error());
    auto text = read_file(file->number(), state_file, size_limit);
    if (!text && text.error().err == EISDIR)
        return fail(Kind::invalid_config, state_file, ": not a regular file");
    return text;
}

Result<State> load(int directory) {
    LET(const std::string text, read_record(directory));
    return deserialize(text);
}

}  // namespace bulkhead::runtime
