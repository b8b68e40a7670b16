// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "base/yaml.hpp"
#include "cli/standard_input.hpp"
#include "cli/verbs.hpp"
#include "seccomp/default_profile.hpp"
#include "seccomp/profile_text.hpp"
#include "spec/choices.hpp"
#include "spec/defaults.hpp"
#include "spec/json.hpp"
#include "spec/short_form/short_form.hpp"

namespace bulkhead::cli::verbs {

namespace spec_room = bulkhead::spec;  // `spec` alone is the verb here

namespace {

std::string default_profile() { return seccomp::profile_json(seccomp::default_profile()); }

// After the last property of "linux", which is the last one of the document.
std::string with_seccomp(std::string document, std::string_view choice) {
    if (choice != "default") return document;
    constexpr std::string_view end_of_linux = "\n\t}\n}";
    const std::size_t place = document.rfind(end_of_linux);
    return document.insert(place, cat(",\n\t\t\"seccomp\": ", default_profile()));
}

std::string base_document(const SpecFlags& flags) {
    return flags.rootless ? spec_room::rootless_document(::geteuid(), ::getegid())
                          : spec_room::default_document();
}

// The administrator's choices are in it, and the caller's go before them.
std::string written_by_default(const SpecFlags& flags, const Defaults& defaults) {
    return with_seccomp(spec_room::with_choices(base_document(flags), defaults.spec),
                        flags.seccomp.value_or(defaults.seccomp));
}

// A path in a form is relative to the form's directory.
std::string beside(const std::string& form, const std::string& path) {
    return path.starts_with('/') ? path : form.substr(0, form.rfind('/') + 1) + path;
}

Result<std::string> compiled(const SpecFlags& flags) {
    const bool is_piped = flags.from == "-";
    LET(const std::string text, is_piped ? read_to_end(yaml::document_limit)
                                         : read_file_at(sys::here, flags.from, yaml::document_limit));
    const std::string name(is_piped ? yaml::standard_input : flags.from);
    LET(const yaml::Node form, yaml::parse(text, name));
    spec_room::short_form::FormInputs inputs{
        with_seccomp(base_document(flags), flags.seccomp.value_or("none")), default_profile(), ""};
    if (const std::string path = spec_room::short_form::profile_path(form); !path.empty()) {
        auto profile = read_file_at(sys::here, beside(flags.from, path), json::document_limit);
        if (!profile)
            return yaml::fail_at(name, form.find("seccomp")->mark, "/seccomp: ", profile.error().text);
        inputs.named_profile = std::move(*profile);
    }
    return spec_room::short_form::compile(form, name, inputs);
}

Result<> write_new(const std::string& bundle, std::string_view document) {
    LET(const Fd directory, sys::open(bundle, O_PATH | O_DIRECTORY));
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    auto file = sys::open_at(directory.number(), "config.json", flags, 0666);
    if (!file && file.error().err == EEXIST)
        return fail(Kind::exists, "File config.json exists. Remove it first");  // runc's words
    if (!file) return std::unexpected(std::move(file).error());
    auto written = sys::write_all(file->number(), document);
    if (written) return {};
    (void)sys::remove_at(directory.number(), "config.json");
    return std::unexpected(std::move(written).error().under("config.json"));
}

}  // namespace

Result<VerbResult> spec(const Call& call) {
    std::string document;
    const auto& flags = call.flags<SpecFlags>();
    if (flags.from.empty()) {
        document = written_by_default(flags, call.options.defaults);
    } else {
        LET(document, compiled(flags));
    }
    TRY(write_new(flags.bundle.empty() ? "." : flags.bundle, document));
    return VerbResult{};
}

}  // namespace bulkhead::cli::verbs
