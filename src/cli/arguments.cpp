// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace bulkhead::cli {

namespace {

template <class... Pieces>
Error misuse(const Pieces&... pieces) {
    return Error{Kind::usage, 0, cat(pieces...)};
}

// strconv.ParseBool
std::optional<bool> parse_bool(std::string_view word) {
    static constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "TRUE", "true", "True"};
    static constexpr std::array<std::string_view, 6> no{"0", "f", "F", "FALSE", "false", "False"};
    if (std::ranges::find(yes, word) != yes.end()) return true;
    if (std::ranges::find(no, word) != no.end()) return false;
    return std::nullopt;
}

// Refuses 010, which Go reads as eight and a person as ten.
bool is_number(std::string_view word) {
    return parse_decimal<unsigned>(word) && (word.size() == 1 || word[0] != '0');
}

bool is_choice(std::string_view choices, std::string_view word) {
    const auto words = split(choices, '|');
    return std::ranges::find(words, word) != words.end();
}

// The choice that a word means: runc's --rootless takes strconv.ParseBool's words for true and false, and ""
// for auto.
std::string_view choice_of(const Flag& flag, std::string_view word) {
    if (!is_choice(flag.value, "true")) return word;
    if (word.empty()) return "auto";
    const auto answer = parse_bool(word);
    if (!answer) return word;
    return *answer ? "true" : "false";
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

class Normaliser {
  public:
    explicit Normaliser(std::span<const char* const> words) : rest_(words) {}

    Arguments walk() && {
        while (!rest_.empty() && !lost_) take_word(next());
        return std::move(result_);
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
        if (result_.command == Command::none) return take_command(word);
        result_.operands.emplace_back(word);
        flags_ended_ = flags_ended_ || row_of(result_.command).flags_first;
    }

    // After an unknown verb nothing is parsed, because its words have no meaning here. podman and CRI-O probe
    // for checkpoint and restore like this.
    void take_command(std::string_view word) {
        const CommandRow* row = find_command(word);
        if (row == nullptr) {
            lost_ = true;
            return note(misuse("unknown command ", quoted(word)));
        }
        result_.command = row->command;
        flags_ended_ = false;  // `--` before the verb ended only the flags before the verb
    }

    void take_flag(std::string_view word) {
        const auto parts = take_apart(word);
        if (!parts) return note(misuse("bad flag syntax: ", quotable(word)));
        const Flag* flag = find_flag(result_.command, parts->name);
        if (flag == nullptr) return note(misuse("flag provided but not defined: -", quotable(parts->name)));
        if (flag->takes_value())
            take_value(*flag, *parts);
        else
            take_bool(*flag, *parts);
    }

    void take_bool(const Flag& flag, const FlagWord& parts) {
        const auto value = parts.value ? parse_bool(*parts.value) : true;
        if (!value)
            return note(misuse("invalid boolean value ", quoted(*parts.value), " for -", parts.name,
                               ": parse error"));
        words_of(flag).push_back(cat("--", flag.name, *value ? "" : "=false"));
    }

    void take_value(const Flag& flag, const FlagWord& parts) {
        if (!parts.value && rest_.empty()) return note(misuse("flag needs an argument: -", parts.name));
        const std::string_view given = parts.value ? *parts.value : next();
        const std::string_view value = flag.has_choices() ? choice_of(flag, given) : given;
        const bool wrong_number = flag.is_number() && !is_number(value);
        if (wrong_number || (flag.has_choices() && !is_choice(flag.value, value))) {
            const std::string reason = wrong_number ? "parse error" : cat("must be one of ", flag.value);
            return note(misuse("invalid value ", quoted(given), " for flag -", parts.name, ": ", reason));
        }
        words_of(flag).push_back(cat("--", flag.name));
        words_of(flag).emplace_back(value);
    }

    std::vector<std::string>& words_of(const Flag& flag) {
        return flag.commands == global ? result_.globals : result_.flags;
    }

    void note(Error error) {
        if (!result_.error) result_.error = std::move(error);
    }

    std::span<const char* const> rest_;
    bool flags_ended_ = false;
    bool lost_ = false;
    Arguments result_;
};

}  // namespace

Arguments normalise(std::span<const char* const> words) { return Normaliser(words).walk(); }

Result<> check_operands(const Arguments& arguments) {
    const CommandRow& row = row_of(arguments.command);
    const std::size_t count = arguments.operands.size();
    const bool too_many = row.most != unlimited && count > row.most;
    if (count >= row.least && !too_many) return {};
    const auto requires_words = [&](std::string_view how, unsigned limit) {
        return fail(Kind::usage, "bulkhead: \"", row.name, "\" requires ", how, ' ', limit, " argument(s)");
    };
    if (row.least == row.most) return requires_words("exactly", row.least);
    if (count < row.least) return requires_words("a minimum of", row.least);
    return requires_words("a maximum of", row.most);
}

}  // namespace bulkhead::cli
