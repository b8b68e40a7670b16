// SPDX-License-Identifier: Apache-2.0
#include "spec/json.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace bulkhead::json {

namespace {

constexpr std::uint32_t open_end =
    std::numeric_limits<std::uint32_t>::max();  // of a container not closed yet

std::string_view kind_of(const Value& value) { return value.is(Type::array) ? "an array" : "an object"; }

std::string shown(const Value& value) {
    switch (value.type()) {
        case Type::null: return "null";
        case Type::boolean: return value.boolean() ? "true" : "false";
        case Type::natural:
            return cat(*value.whole<std::uint64_t>(0, std::numeric_limits<std::uint64_t>::max()));
        case Type::negative:
            return cat(*value.whole<std::int64_t>(std::numeric_limits<std::int64_t>::min(), 0));
        case Type::real: return quotable(value.text());
        case Type::string: return quoted(value.text());
        default: return std::string(kind_of(value));
    }
}

// What nlohmann's parser reports, put into a Tree. Every function returns false to stop the parser; `error`
// then says why.
class Builder {
  public:
    Builder(std::string_view text, std::string_view name) : text_(text) {
        tree.name = name;
        tree.pool.reserve(text.size());        // decoded text is never longer than the written one
        tree.nodes.reserve(text.size() / 16);  // about what a config.json needs
    }

    bool null() { return add(Type::null); }
    bool boolean(bool value) { return add(Type::boolean, value ? 1 : 0); }
    bool number_unsigned(std::uint64_t value) { return add(Type::natural, value); }
    bool number_integer(std::int64_t value) {  // a number with a sign, so -0 as well
        return add(value < 0 ? Type::negative : Type::natural, static_cast<std::uint64_t>(value));
    }
    bool number_float(double, const std::string& written) { return add(Type::real, pool(written)); }
    bool string(const std::string& value) {
        return add(Type::string, pool(value)) && is_sound(value, "string");
    }
    // Never called for JSON text; nlohmann's interface needs it.
    bool binary(const nlohmann::json::binary_t&) { return false; }  // NOLINT(*-to-static)
    bool start_object(std::size_t) { return open(Type::object); }
    bool start_array(std::size_t) { return open(Type::array); }
    bool end_array() { return close(); }
    bool end_object() { return keys_are_unique() && close(); }

    bool key(const std::string& name) {
        key_ = pool(name);
        if (name.size() <= string_limit && !name.contains('\0')) return true;
        return add(Type::null) && is_sound(name, "key");  // a stand-in, to have a pointer
    }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& exception) {
        std::string_view reason = exception.what();  // "[json.exception...] parse error at ...: <the reason>"
        reason.remove_prefix(reason.find("] ") + 2);
        if (!reason.starts_with("parse error"))
            return add(Type::null) && refuse(reason);  // 1e400: has a place
        reason.remove_prefix(std::min(reason.size(), reason.find(": ") + 2));
        error = Error{Kind::invalid_config, 0, cat(tree.name, ": ", place(position), ": ", quotable(reason))};
        return false;
    }

    Tree tree;
    Error error;

  private:
    struct Container {
        std::uint32_t at;
        std::uint32_t children = 0;
    };

    std::uint64_t pool(const std::string& value) {
        const std::uint64_t at = tree.pool.size();
        tree.pool.append(value);
        return at << 32 | value.size();
    }

    bool add(Type type, std::uint64_t payload = 0) {
        const auto at = static_cast<std::uint32_t>(tree.nodes.size());
        tree.nodes.push_back({type, at + 1, std::exchange(key_, 0), payload});
        if (at == node_limit) return refuse(cat("is more than ", node_limit, " values"));
        if (open_.empty() || ++open_.back().children <= list_limit) return true;
        return refuse(cat("is more than ", list_limit, " values in one list"));
    }

    bool open(Type type) {
        if (!add(type)) return false;
        const auto at = static_cast<std::uint32_t>(tree.nodes.size() - 1);
        tree.nodes[at].end = open_end;
        open_.push_back({at});
        return open_.size() <= depth_limit || refuse(cat("is nested more than ", depth_limit, " deep"));
    }

    bool close() {
        tree.nodes[open_.back().at].end = static_cast<std::uint32_t>(tree.nodes.size());
        open_.pop_back();
        return true;
    }

    bool is_sound(const std::string& value, std::string_view what) {
        if (value.size() > string_limit) return refuse(cat(what, " is longer than ", string_limit, " bytes"));
        return !value.contains('\0') || refuse(cat(what, " has a NUL byte in it"));
    }

    bool keys_are_unique() {
        if (open_.back().children < 2) return true;
        members_.clear();
        const auto end = static_cast<std::uint32_t>(tree.nodes.size());
        for (std::uint32_t at = open_.back().at + 1; at < end; at = tree.nodes[at].end)
            members_.push_back(at);
        const auto name = [&](std::uint32_t at) { return Value(tree, at).key(); };
        std::ranges::sort(members_, {}, name);
        const auto twin = std::ranges::adjacent_find(members_, {}, name);
        return twin == members_.end() || refuse("is given twice", std::max(twin[0], twin[1]));
    }

    bool refuse(std::string_view reason) {
        return refuse(reason, static_cast<std::uint32_t>(tree.nodes.size() - 1));
    }
    bool refuse(std::string_view reason, std::uint32_t at) {
        // Leaves out the value, which may not be complete, and which is never the reason here.
        const std::string path = quotable(Value(tree, at).pointer());
        error = Error{Kind::invalid_config, 0, cat(tree.name, path.empty() ? "" : ": ", path, ": ", reason)};
        return false;
    }

    std::string place(std::size_t position) const {
        const std::string_view before = text_.substr(0, position == 0 ? 0 : position - 1);
        const auto line = std::ranges::count(before, '\n') + 1;
        const std::size_t newline = before.rfind('\n');
        const std::size_t column = newline == before.npos ? before.size() + 1 : before.size() - newline;
        return cat("line ", line, ", column ", column);
    }

    std::string_view text_;
    std::uint64_t key_ = 0;  // of the value that comes next
    std::vector<Container> open_;
    std::vector<std::uint32_t> members_;  // scratch of keys_are_unique
};

// Refuses what nlohmann's parser accepts: it skips a byte order mark and takes a NUL for the end of the text.
Result<> check_text(std::string_view text, std::string_view name) {
    if (text.size() > document_limit)
        return fail(Kind::invalid_config, name, ": is longer than ", document_limit, " bytes");
    if (text.starts_with("\xef\xbb\xbf"))
        return fail(Kind::invalid_config, name, ": line 1, column 1: starts with a byte order mark");
    if (const std::size_t nul = text.find('\0'); nul != text.npos)
        return fail(Kind::invalid_config, name, ": byte ", nul, ": is a NUL byte");
    return {};
}

}  // namespace

std::optional<Value> Value::find(std::string_view key) const {
    if (!is(Type::object)) return std::nullopt;
    for (const Value member : children())
        if (member.key() == key) return member;
    return std::nullopt;
}

// Walks down from the root to the one child on each level whose span has the place in it. Slow, and needed
// only for an error.
std::string Value::pointer() const {
    std::string path;
    for (std::uint32_t parent = 0; parent != at_;) {
        std::uint32_t child = parent + 1;
        std::uint32_t index = 0;
        for (; tree_->nodes[child].end <= at_; ++index) child = tree_->nodes[child].end;
        const bool named = tree_->nodes[parent].type == Type::object;
        path.append("/").append(named ? pointer_token(Value(*tree_, child).key()) : cat(index));
        parent = child;
    }
    return path;
}

std::unexpected<Error> Value::refuse(std::string_view reason) const {
    const std::string path = quotable(pointer());
    return fail(Kind::invalid_config, tree_->name, ": ", path, path.empty() ? "" : ": ", shown(*this), ": ",
                reason);
}

std::unexpected<Error> Value::lacks(std::string_view key) const {
    return fail(Kind::invalid_config, tree_->name, ": ", quotable(pointer()), "/", key, ": is required");
}

Result<Tree> read(std::string_view text, std::string_view name) {
    TRY(check_text(text, name));
    Builder builder(text, name);
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return std::unexpected(builder.error);
    return std::move(builder.tree);
}

}  // namespace bulkhead::json
