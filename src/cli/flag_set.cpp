// SPDX-License-Identifier: Apache-2.0
#include "cli/flag_set.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "cli/cli11.hpp"

namespace bulkhead::cli {

namespace {

// strconv.ParseBool
std::optional<bool> parse_bool(std::string_view word) {
    static constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "TRUE", "true", "True"};
    static constexpr std::array<std::string_view, 6> no{"0", "f", "F", "FALSE", "false", "False"};
    if (std::ranges::find(yes, word) != yes.end()) return true;
    if (std::ranges::find(no, word) != no.end()) return false;
    return std::nullopt;
}

std::vector<std::string_view> choices_of(const Flag& flag) {
    return flag.value.contains('|') ? split(flag.value, '|') : std::vector<std::string_view>();
}

// The choice that a word means: runc's --rootless takes strconv.ParseBool's words for true and false, and ""
// for auto.
std::string choice_of(const std::vector<std::string_view>& choices, std::string_view word) {
    if (std::ranges::find(choices, "true") == choices.end()) return std::string(word);
    if (word.empty()) return "auto";
    const auto answer = parse_bool(word);
    if (!answer) return std::string(word);
    return *answer ? "true" : "false";
}

// Refuses 010, which Go reads as eight and a person as ten; an empty sentence is CLI11's "good".
std::string check_number(const std::string& word) {
    return parse_decimal<unsigned>(word) && (word.size() == 1 || word[0] != '0') ? "" : "parse error";
}

CLI::Validator one_of(const std::vector<std::string_view>& choices, std::string_view listed) {
    return {[choices, listed](const std::string& word) {
                return std::ranges::find(choices, word) != choices.end() ? std::string()
                                                                         : cat("must be one of ", listed);
            },
            ""};
}

std::string names_of(const Flag& flag) {
    return flag.letter == 0 ? cat("--", flag.name) : cat('-', flag.letter, ",--", flag.name);
}

// One overload for each kind of target. The last one given wins: conmon-rs sends every global twice.
struct Adder {
    CLI::App& app;
    const Flag& flag;

    CLI::Option* operator()(bool* target) const {
        return last(app.add_flag(names_of(flag), *target, help()));
    }
    // CLI11 would count it.
    CLI::Option* operator()(std::optional<bool>* target) const {
        return last(app.add_flag_function(
            names_of(flag), [target](std::int64_t count) { *target = count > 0; }, help()));
    }
    // CLI11's own conversion to a vector takes "{}" and "%%" for empty lists and "[a,b]" for two values.
    CLI::Option* operator()(std::vector<std::string>* target) const {
        const auto set = [target](const CLI::results_t& given) {
            *target = given;
            return true;
        };
        CLI::Option* option = app.add_option(names_of(flag), set, help());
        return option->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    CLI::Option* operator()(std::optional<std::string>* target) const {
        const auto set = [target](const CLI::results_t& given) {
            *target = given.back();
            return true;
        };
        return last(app.add_option(names_of(flag), set, help()));
    }
    template <class Value>
    CLI::Option* operator()(Value* target) const {
        return last(app.add_option(names_of(flag), *target, help()));
    }

  private:
    std::string help() const { return std::string(flag.help); }
    static CLI::Option* last(CLI::Option* option) {
        return option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
};

CLI::Option* add_to(CLI::App& app, const Flag& flag) {
    CLI::Option* option = std::visit(Adder{app, flag}, flag.target);
    if (flag.takes_value()) option->type_name(std::string(flag.value));
    if (flag.hidden) option->group("");
    if (std::holds_alternative<unsigned*>(flag.target)) option->check(CLI::Validator(check_number, ""));
    if (const auto choices = choices_of(flag); !choices.empty()) option->check(one_of(choices, flag.value));
    return option;
}

// CLI11 would put [OPTIONS] after the whole usage line, operands included.
struct HelpFormatter : CLI::Formatter {
    std::string make_usage(const CLI::App*, std::string name) const override {
        return cat("Usage: ", name, "\n");
    }
};

}  // namespace

FlagSet::FlagSet() = default;
FlagSet::~FlagSet() = default;

Flag* FlagSet::find(std::string_view name) {
    const auto found = std::ranges::find_if(flags_, [&](const Flag& flag) { return flag.is_called(name); });
    return found == flags_.end() ? nullptr : &*found;
}

CLI::App& FlagSet::app() {
    if (!app_) {
        app_ = std::make_unique<CLI::App>();
        app_->set_help_flag();  // --help is a flag like any other: it prints and returns, it does not throw
    }
    return *app_;
}

Result<> FlagSet::take(Flag& flag, std::string_view called, std::string_view value) {
    std::string converted = flag.takes_value() ? choice_of(choices_of(flag), value) : std::string(value);
    if (!flag.takes_value()) {
        const auto truth = parse_bool(value);
        if (!truth)
            return fail(Kind::usage, "invalid boolean value ", quoted(value), " for -", called,
                        ": parse error");
        converted = *truth ? "true" : "false";
    }
    try {
        if (flag.option == nullptr) flag.option = add_to(app(), flag);
        flag.option->add_result(converted);
        flag.option->run_callback();
    } catch (const CLI::ValidationError& error) {
        flag.option->clear();
        const std::string_view text = error.what();  // "--name: the reason"
        return fail(Kind::usage, "invalid value ", quoted(value), " for flag -", called, ": ",
                    text.substr(text.find(": ") + 2));
    } catch (const CLI::Error& error) {
        return fail(Kind::usage, "invalid value ", quoted(value), " for flag -", called, ": ",
                    quotable(error.what()));
    }
    words_.push_back(cat("--", flag.name, !flag.takes_value() && converted == "false" ? "=false" : ""));
    if (flag.takes_value()) words_.push_back(std::move(converted));
    return {};
}

std::string FlagSet::help(const std::string& usage, const std::string& description,
                          const std::string& footer) {
    CLI::App all(description, usage);
    all.formatter(std::make_shared<HelpFormatter>());
    all.get_formatter()->column_width(32);
    all.set_help_flag();
    all.footer(footer);
    for (const Flag& flag : flags_) (void)add_to(all, flag);
    std::string text = all.help();
    while (text.ends_with("\n\n")) text.pop_back();  // if there is no footer
    return text;
}

}  // namespace bulkhead::cli
