// SPDX-License-Identifier: Apache-2.0
// The flags that a command line may have at one place: CLI11 converts, checks and keeps their values, and
// writes the help text.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace bulkhead::cli {

// A vector takes every given value, all others the last one.
using Target = std::variant<bool*, std::optional<bool>*, std::string*, std::optional<std::string>*, unsigned*,
                            std::vector<std::string>*>;

struct Flag {
    std::string_view name;
    char letter = 0;  // 0: none
    Target target;
    std::string_view
        value;  // the help text's word for the value; "a|b|c": one of these words and nothing else
    std::string_view help;
    bool hidden = false;            // from the help text
    CLI::Option* option = nullptr;  // once the flag has been given

    bool takes_value() const {
        return !std::holds_alternative<bool*>(target) &&
               !std::holds_alternative<std::optional<bool>*>(target);
    }
    bool is_called(std::string_view given) const {
        return given == name || (given.size() == 1 && letter != 0 && given[0] == letter);
    }
};

class FlagSet {
  public:
    FlagSet();
    ~FlagSet();
    FlagSet(const FlagSet&) = delete;
    FlagSet& operator=(const FlagSet&) = delete;

    // The target lives as long as the set is used.
    void add(Flag flag) { flags_.push_back(flag); }

    // nullptr: none is called that.
    Flag* find(std::string_view name);
    const std::vector<Flag>& flags() const { return flags_; }

    // Gives a flag of this set a value and writes it to the target. A flag without a value takes Go's words
    // for true and false. CLI11 makes an option for each flag that is given, and for no other: one costs
    // about 2 us. Errors are Kind::usage, in Go's words; `called` is the flag's name as the caller spelled
    // it.
    Result<> take(Flag& flag, std::string_view called, std::string_view value);

    // The given flags in a plain form and in order: "--bundle", "B", "--debug=false".
    const std::vector<std::string>& words() const { return words_; }

    // Usage, description, the flags, the footer.
    std::string help(const std::string& usage, const std::string& description, const std::string& footer);

  private:
    CLI::App& app();

    std::vector<Flag> flags_;
    std::vector<std::string> words_;
    std::unique_ptr<CLI::App> app_;  // none until a flag is given
};

}  // namespace bulkhead::cli
