// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "cli/cli11.hpp"

namespace bulkhead::cli {

namespace {

bool is_part_of(const Flag& flag, Command command) {
    return command == Command::none ? flag.commands == global : flag.belongs_to(command);
}

std::string names_of(const Flag& flag) {
    return flag.letter == 0 ? cat("--", flag.name) : cat('-', flag.letter, ",--", flag.name);
}

// One overload for each kind of target. The last one given wins: conmon-rs sends every global twice.
struct Adder {
    CLI::App& app;
    Options& options;
    const Flag& flag;

    CLI::Option* operator()(bool Options::*target) const {
        return last(app.add_flag(names_of(flag), options.*target, std::string(flag.help)));
    }
    // CLI11 would count it.
    CLI::Option* operator()(std::optional<bool> Options::*target) const {
        const auto set = [&value = options.*target](std::int64_t count) { value = count > 0; };
        return last(app.add_flag_function(names_of(flag), set, std::string(flag.help)));
    }
    // CLI11's own conversion to a vector takes "{}" and "%%" for empty lists and "[a,b]" for two values.
    CLI::Option* operator()(std::vector<std::string> Options::*target) const {
        const auto set = [&values = options.*target](const CLI::results_t& given) {
            values = given;
            return true;
        };
        CLI::Option* option = app.add_option(names_of(flag), set, std::string(flag.help));
        return option->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    template <class Value>
    CLI::Option* operator()(Value Options::*target) const {
        return last(app.add_option(names_of(flag), options.*target, std::string(flag.help)));
    }

  private:
    static CLI::Option* last(CLI::Option* option) {
        return option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
};

void add_flag(CLI::App& app, Options& options, const Flag& flag) {
    CLI::Option* option = std::visit(Adder{app, options, flag}, flag.target);
    if (flag.takes_value()) option->type_name(std::string(flag.value));
    if (flag.shown == Shown::hidden) option->group("");
}

// Every option costs CLI11 about 2 us, so only those are set up that the (plain) words may mean.
bool mentions(const std::vector<std::string>& words, const Flag& flag) {
    const std::string name = cat("--", flag.name);
    return std::ranges::any_of(words, [&](const std::string& word) { return word.starts_with(name); });
}

// Flags of which it matters if they were given.
struct Given {
    const char* flag;
    bool Options::*target;
};
constexpr std::array givens{
    Given{"--cgroup-manager", &Options::manager_given},
    Given{"--debug", &Options::log_level_given},
    Given{"--log", &Options::log_given},
    Given{"--log-level", &Options::log_level_given},
    Given{"--overlay-from", &Options::overlay_from_given},
    Given{"--overlay-upper-from", &Options::overlay_upper_from_given},
    Given{"--root", &Options::root_given},
    Given{"--seccomp", &Options::seccomp_given},
    Given{"--systemd-cgroup", &Options::manager_given},
    Given{"--user", &Options::user_given},
};

// The words of one verb's own flags; Command::none: of the globals.
void parse(Options& options, Command command, const std::vector<std::string>& words) {
    if (words.empty()) return;  // the common case of `state ID`: no parser is even built
    CLI::App app;
    app.set_help_flag();  // --help is a flag like any other: it prints and returns, it does not throw
    for (const Flag& flag : flags)
        if (is_part_of(flag, command) && mentions(words, flag)) add_flag(app, options, flag);
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // CLI11 takes them from the back
    app.parse(reversed);
    const auto is_given = [&app](const char* name) {
        const CLI::Option* option = app.get_option_no_throw(name);
        return option != nullptr && option->count() > 0;
    };
    for (const Given& given : givens)
        if (is_given(given.flag)) options.*given.target = true;
}

// CLI11 would put [OPTIONS] after the whole usage line, operands included.
struct HelpFormatter : CLI::Formatter {
    std::string make_usage(const CLI::App*, std::string name) const override {
        return cat("Usage: ", name, "\n");
    }
};

std::string usage_of(Command command) {
    if (command == Command::none) return "bulkhead [global options] COMMAND [options] [CONTAINER-ID]";
    const CommandRow& row = row_of(command);
    return cat("bulkhead [global options] ", row.name, " [options]", row.operands.empty() ? "" : " ",
               row.operands);
}

std::string command_list() {
    std::string list = "Commands:";
    for (const CommandRow& row : commands) {
        const std::string padding(30 - row.name.size(), ' ');
        list.append(cat("\n  ", row.name, padding, row.summary));
    }
    return list;
}

}  // namespace

Result<Options> read_options(const Arguments& arguments) {
    Options options;
    try {
        parse(options, Command::none, arguments.globals);
        parse(options, arguments.command, arguments.flags);
    } catch (const CLI::Error& error) {
        return fail(Kind::usage, quotable(error.what()));
    }
    return options;
}

std::string help_text(Command command) {
    Options defaults;
    CLI::App app;
    app.name(usage_of(command));
    app.formatter(std::make_shared<HelpFormatter>());
    app.get_formatter()->column_width(32);
    app.set_help_flag();
    for (const Flag& flag : flags)
        if (is_part_of(flag, command)) add_flag(app, defaults, flag);
    if (command == Command::none) {
        app.description("bulkhead - an OCI container runtime");
        app.footer(command_list());
    } else {
        app.description(cat("bulkhead ", row_of(command).name, " - ", row_of(command).summary));
    }
    std::string text = app.help();
    while (text.ends_with("\n\n")) text.pop_back();  // if there is no footer
    return text;
}

}  // namespace bulkhead::cli
