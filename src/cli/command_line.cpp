// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

#include <utility>

#include "base/text.hpp"

namespace bulkhead::cli {

namespace {

template <class... Pieces>
Error misuse(const Pieces&... pieces) {
    return Error{Kind::usage, 0, cat(pieces...)};
}

// A word that begins with a dash, taken apart: -name, --name, --name=value
struct FlagWord {
    std::string_view name;
    std::optional<std::string_view> value;
};

std::optional<FlagWord> take_apart(std::string_view word) {
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    if (word.empty() || word[0] == '-' || word[0] == '=') return std::nullopt;
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return FlagWord{word, std::nullopt};
    return FlagWord{word.substr(0, equals), word.substr(equals + 1)};
}

// Splits argv into flags, verb and operands, and gives each flag its value.
class Parser {
  public:
    explicit Parser(std::span<const char* const> words) : rest_(words) {
        describe(globals_, line_.options.global);
    }

    CommandLine parse() && {
        while (!rest_.empty() && !lost_) take_word(next());
        line_.globals = globals_.words();
        line_.flags = flags_.words();
        return std::move(line_);
    }

  private:
    std::string_view next() {
        const std::string_view word = rest_.front();
        rest_ = rest_.subspan(1);
        return word;
    }

    void take_word(std::string_view word) {
        if (flags_ended_ || word.size() < 2 || word[0] != '-') return take_operand(word);
        if (word == "--") {
            flags_ended_ = true;
            return;
        }
        take_flag(word);
    }

    void take_operand(std::string_view word) {
        if (line_.command == Command::none) return take_command(word);
        line_.operands.emplace_back(word);
        flags_ended_ = flags_ended_ || row_of(line_.command).flags_first;
    }

    // After an unknown verb nothing is parsed, because its words have no meaning here. podman and CRI-O probe
    // for checkpoint and restore like this.
    void take_command(std::string_view word) {
        const CommandRow* row = find_command(word);
        if (row == nullptr) {
            lost_ = true;
            return note(misuse("unknown command ", quoted(word)));
        }
        line_.command = row->command;
        line_.options.verb = flags_of(row->command);
        describe(flags_, line_.options.verb);
        flags_ended_ = false;  // `--` before the verb ended only the flags before the verb
    }

    // One of the verb's own, else a global one. (`spec --rootless` is the verb's; `create --root R` is the
    // global.)
    void take_flag(std::string_view word) {
        const auto parts = take_apart(word);
        if (!parts) return note(misuse("bad flag syntax: ", quotable(word)));
        Flag* own = flags_.find(parts->name);
        Flag* flag = own != nullptr ? own : globals_.find(parts->name);
        if (flag == nullptr) return note(misuse("flag provided but not defined: -", quotable(parts->name)));
        if (flag->takes_value() && !parts->value && rest_.empty())
            return note(misuse("flag needs an argument: -", parts->name));
        const std::string_view value = parts->value ? *parts->value : flag->takes_value() ? next() : "true";
        FlagSet& set = own != nullptr ? flags_ : globals_;
        if (auto taken = set.take(*flag, parts->name, value); !taken) note(std::move(taken).error());
    }

    void note(Error error) {
        if (!line_.error) line_.error = std::move(error);
    }

    std::span<const char* const> rest_;
    bool flags_ended_ = false;
    bool lost_ = false;
    CommandLine line_;
    FlagSet globals_;
    FlagSet flags_;  // the verb's own
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

CommandLine parse_command_line(std::span<const char* const> words) { return Parser(words).parse(); }

Result<> check_operands(const CommandLine& line) {
    const CommandRow& row = row_of(line.command);
    const std::size_t count = line.operands.size();
    const bool too_many = row.most != unlimited && count > row.most;
    if (count >= row.least && !too_many) return {};
    const auto requires_words = [&](std::string_view how, unsigned limit) {
        return fail(Kind::usage, "bulkhead: \"", row.name, "\" requires ", how, ' ', limit, " argument(s)");
    };
    if (row.least == row.most) return requires_words("exactly", row.least);
    if (count < row.least) return requires_words("a minimum of", row.least);
    return requires_words("a maximum of", row.most);
}

std::string help_text(Command command) {
    FlagSet set;
    GlobalFlags globals;
    VerbFlags own = flags_of(command);
    if (command == Command::none) {
        describe(set, globals);
        return set.help(usage_of(command), "bulkhead - an OCI container runtime", command_list());
    }
    describe(set, own);
    return set.help(usage_of(command), cat("bulkhead ", row_of(command).name, " - ", row_of(command).summary),
                    "");
}

}  // namespace bulkhead::cli
