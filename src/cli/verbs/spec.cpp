// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/sys.hpp"
#include "cli/verbs.hpp"
#include "seccomp/default_profile.hpp"
#include "seccomp/profile_text.hpp"
#include "spec/defaults.hpp"

namespace bulkhead::cli::verbs {

namespace {

// Behind the last property of "linux", which is the last one of the document.
std::string with_seccomp(std::string document) {
    constexpr std::string_view end_of_linux = "\n\t}\n}";
    const std::size_t place = document.rfind(end_of_linux);
    return document.insert(place,
                           cat(",\n\t\t\"seccomp\": ", seccomp::profile_json(seccomp::default_profile())));
}

}  // namespace

Result<Outcome> spec(const Call& call) {
    const std::string bundle = call.options.bundle.empty() ? "." : call.options.bundle;
    LET(const Fd directory, sys::open(bundle, O_PATH | O_DIRECTORY));
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    auto file = sys::open_at(directory.number(), "config.json", flags, 0666);
    if (!file && file.error().err == EEXIST)
        return fail(Kind::exists, "File config.json exists. Remove it first");  // runc's words
    if (!file) return std::unexpected(std::move(file).error());
    std::string document = call.options.rootless_spec
                               ? bulkhead::spec::rootless_document(::geteuid(), ::getegid())
                               : bulkhead::spec::default_document();
    if (call.options.seccomp == "default") document = with_seccomp(std::move(document));
    auto written = sys::write_all(file->number(), document);
    if (!written) {
        (void)sys::remove_at(directory.number(), "config.json");
        return std::unexpected(std::move(written).error().under("config.json"));
    }
    return Outcome{};
}

}  // namespace bulkhead::cli::verbs
