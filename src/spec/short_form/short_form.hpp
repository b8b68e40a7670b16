// SPDX-License-Identifier: Apache-2.0
// The short human form of a bundle (bulkhead(8), "The short form") -> a complete config.json. Pure: the
// caller passes in the files that it needs.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/yaml.hpp"

namespace bulkhead::spec::short_form {

// The document that the form changes, and the profiles that its words may stand for.
struct FormInputs {
    std::string base;             // the config.json to start from: default_document(), rootless_document()
    std::string default_profile;  // JSON of `seccomp: default`
    std::string named_profile;    // text of the file that `profile_path` names, if it names one
};

// The value of `seccomp` if it is the path of a profile, else "".
std::string profile_path(const yaml::Node& form);

// The config.json, with tabs, without a newline at its end. It has passed parse and validate. Errors are
// Kind::invalid_config (or Kind::unsupported) and begin with the place of the key that caused them, then say
// the key's pointer in the form, or in config.json if a check of that found it:
//     box.yaml:7:11: /limits/memory: "512Mx": not a size (...)
//     box.yaml:2:6: /process/cwd: "tmp": Cwd must be an absolute path
Result<std::string> compile(const yaml::Node& form, std::string_view name, const FormInputs& inputs);

}  // namespace bulkhead::spec::short_form
