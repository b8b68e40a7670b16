// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <cerrno>

#include "base/sys.hpp"
#include "cli/verbs.hpp"
#include "spec/defaults.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> spec(const Call& call) {
    const std::string bundle = call.options.bundle.empty() ? "." : call.options.bundle;
    LET(const Fd directory, sys::open(bundle, O_PATH | O_DIRECTORY));
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    auto file = sys::open_at(directory.number(), "config.json", flags, 0666);
    if (!file && file.error().err == EEXIST)
        return fail(Kind::exists, "File config.json exists. Remove it first");  // runc's words
    if (!file) return std::unexpected(std::move(file).error());
    auto written = sys::write_all(file->number(), bulkhead::spec::default_document());
    if (!written) {
        (void)sys::remove_at(directory.number(), "config.json");
        return std::unexpected(std::move(written).error().under("config.json"));
    }
    return Outcome{};
}

}  // namespace bulkhead::cli::verbs
