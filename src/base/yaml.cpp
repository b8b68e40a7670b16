// SPDX-License-Identifier: Apache-2.0
// The tree is built from yaml-cpp's events, because its own tree (YAML::Node) hides keys that are given twice
// and gives an alias the place of what it stands for. yaml-cpp 0.7 also takes text that YAML forbids. A case
// of tests/base/yaml_test.cpp fails without each of these repairs:
//  - check_text: yaml-cpp takes invalid UTF-8 and control characters, and ends at a NUL byte.
//  - check_indentation: it takes some tabs as indentation.
//  - has_tab_before: it refuses others as an "illegal block entry", and nobody sees a tab.
//  - check_quotes: it takes the end of the text for the end of a quoted scalar.
//  - mark_of: it counts bytes from 0; editors count characters from 1.
#include "base/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <streambuf>
#include <utility>

namespace bulkhead::yaml {

namespace {

using NodeKind = Node::Kind;

// The text as a stream without a copy of it.
struct Buffer : std::streambuf {
    explicit Buffer(std::string_view text) {
        char* begin = const_cast<char*>(text.data());  // only ever read
        setg(begin, begin, begin + text.size());
    }
};

// True if a quoted scalar ends: '' is a quote in one kind, \" in the other.
bool is_closed(std::string_view text, char quote) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (quote == '"' && text[at] == '\\')
            ++at;
        else if (text[at] == quote && quote == '\'' && text.substr(at + 1).starts_with(quote))
            ++at;
        else if (text[at] == quote)
            return true;
    }
    return false;
}

bool continues_a_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

Mark mark_of(std::string_view text, const YAML::Mark& place) {
    if (place.is_null()) return {};
    const auto end = std::min(text.size(), static_cast<std::size_t>(place.pos));
    const std::string_view before = text.substr(0, end);
    const std::string_view line = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
    const auto characters = std::ssize(line) - std::ranges::count_if(line, continues_a_character);
    return {place.line + 1, static_cast<int>(characters) + 1};
}

std::size_t weight_of(const Node& node) {
    std::size_t weight = 1;
    for (const Node& item : node.items) weight += weight_of(item);
    for (const Entry& entry : node.entries) weight += 1 + weight_of(entry.value);
    return weight;
}

std::size_t bytes_of(const Node& node) {
    std::size_t bytes = node.text.size();
    for (const Node& item : node.items) bytes += bytes_of(item);
    for (const Entry& entry : node.entries) bytes += entry.key.size() + bytes_of(entry.value);
    return bytes;
}

std::size_t depth_of(const Node& node) {
    std::size_t deepest = 0;
    for (const Node& item : node.items) deepest = std::max(deepest, depth_of(item));
    for (const Entry& entry : node.entries) deepest = std::max(deepest, depth_of(entry.value));
    return node.is(NodeKind::sequence) || node.is(NodeKind::map) ? deepest + 1 : 0;
}

// Builds the tree from yaml-cpp's events. An event can only be refused by an exception, which `read_document`
// turns into the Error.
class Builder : public YAML::EventHandler {
  public:
    explicit Builder(std::string_view text) : text_(text) {}

    void OnDocumentStart(const YAML::Mark& place) override {
        if (std::exchange(has_document_, true)) refuse(place, "a second document: there must be one only");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& place, YAML::anchor_t anchor) override {
        add(place, anchor, {.mark = mark_of(text_, place)});
    }
    void OnScalar(const YAML::Mark& place, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node node{NodeKind::scalar, value, tag == "?", {}, {}, mark_of(text_, place)};
        check_tag(place, tag, node);
        check_quotes(place);
        if (value.contains('\0')) refuse(place, "has a NUL byte in it");
        add(place, anchor, std::move(node));
    }
    void OnAlias(const YAML::Mark& place, YAML::anchor_t anchor) override {
        const auto known = anchors_.find(anchor);
        if (known == anchors_.end()) refuse(place, "an alias of what it is in");
        Node copy = known->second;
        if (open_.size() + depth_of(copy) > depth_limit) refuse_depth(place);
        charge(place, copy);
        copy.mark = mark_of(text_, place);
        place_it(place, std::move(copy));
    }
    void OnSequenceStart(const YAML::Mark& place, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(place, tag, anchor, NodeKind::sequence);
    }
    void OnMapStart(const YAML::Mark& place, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(place, tag, anchor, NodeKind::map);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }

    Node root;

  private:
    // A sequence or map that is not complete yet.
    struct Open {
        Node node;
        YAML::Mark place;
        YAML::anchor_t anchor;
        bool has_key = false;  // the map's last entry waits for its value
        std::set<std::string> keys;
    };

    [[noreturn]] static void refuse(const YAML::Mark& place, const std::string& reason) {
        throw YAML::ParserException(place, reason);
    }
    [[noreturn]] static void refuse_depth(const YAML::Mark& place) {
        refuse(place, cat("is nested more than ", depth_limit, " deep"));
    }

    void charge(const YAML::Mark& place, const Node& node) {
        nodes_ += weight_of(node);
        bytes_ += bytes_of(node);
        if (nodes_ > node_limit)
            refuse(place, cat("is more than ", node_limit, " values, with those that aliases stand for"));
        if (bytes_ > text_limit)
            refuse(place, cat("is more than ", text_limit, " bytes, with those that aliases stand for"));
    }

    // A tag of the core schema may repeat the type of the value, or make a number text; nothing else is
    // taken.
    static void check_tag(const YAML::Mark& place, const std::string& tag, Node& node) {
        constexpr std::string_view core = "tag:yaml.org,2002:";
        if (tag.empty() || tag == "?" || tag == "!") return;
        const std::string_view kind = tag.starts_with(core) ? std::string_view(tag).substr(core.size()) : "";
        if (kind == "str" && node.is(NodeKind::scalar)) return;
        if ((kind == "seq" && node.is(NodeKind::sequence)) || (kind == "map" && node.is(NodeKind::map)))
            return;
        node.plain = true;
        constexpr std::string_view names[] = {"null", "bool", "int", "float"};  // as ScalarType
        const auto type = static_cast<std::size_t>(scalar_type(node));
        if (node.is(NodeKind::scalar) && type < std::size(names) && kind == names[type]) return;
        refuse(place, cat("tag ", quoted(tag), ": not one of the core schema's that fits this value"));
    }

    // Refuses a tab before `place` in its line (section 6.1).
    void check_indentation(const YAML::Mark& place) const {
        const std::string_view before = text_.substr(0, static_cast<std::size_t>(place.pos));
        const std::string_view line = before.substr(before.rfind('\n') + 1);
        if (line.contains('\t') && line.find_first_not_of(" \t") == line.npos)
            refuse(place, "is indented with a tab");
    }

    void check_quotes(const YAML::Mark& place) const {
        auto at = static_cast<std::size_t>(place.pos);
        while (at < text_.size() && (text_[at] == '!' || text_[at] == '&'))  // a tag, an anchor
            at = text_.find_first_not_of(" \t\r\n", text_.find_first_of(" \t\r\n", at));
        if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return;
        if (!is_closed(text_.substr(at + 1), text_[at])) refuse(place, "the quote is not closed");
    }

    void open(const YAML::Mark& place, const std::string& tag, YAML::anchor_t anchor, NodeKind kind) {
        Node node{kind, {}, false, {}, {}, mark_of(text_, place)};
        check_tag(place, tag, node);
        if (wants_key()) refuse(place, "a key must be a scalar");
        if (open_.size() == depth_limit) refuse_depth(place);
        charge(place, node);
        open_.push_back({std::move(node), place, anchor, false, {}});
    }

    void close() {
        Open done = std::move(open_.back());
        open_.pop_back();
        remember(done.place, done.anchor, done.node);
        place_it(done.place, std::move(done.node));
    }

    void add(const YAML::Mark& place, YAML::anchor_t anchor, Node node) {
        check_indentation(place);
        charge(place, node);
        remember(place, anchor, node);
        place_it(place, std::move(node));
    }

    void remember(const YAML::Mark& place, YAML::anchor_t anchor, const Node& node) {
        if (anchor == 0) return;
        charge(place, node);  // it is a copy
        anchors_.emplace(anchor, node);
    }

    bool wants_key() const {
        return !open_.empty() && open_.back().node.is(NodeKind::map) && !open_.back().has_key;
    }

    void place_it(const YAML::Mark& place, Node node) {
        if (open_.empty()) return void(root = std::move(node));
        Open& parent = open_.back();
        if (parent.node.is(NodeKind::sequence)) return parent.node.items.push_back(std::move(node));
        if (std::exchange(parent.has_key, !parent.has_key))
            return void(parent.node.entries.back().value = std::move(node));
        if (!node.is(NodeKind::scalar)) refuse(place, "a key must be a scalar");
        if (!parent.keys.insert(node.text).second) refuse(place, cat(quoted(node.text), ": is given twice"));
        parent.node.entries.push_back({std::move(node.text), node.mark, {}});
    }

    std::string_view text_;
    bool has_document_ = false;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, Node> anchors_;
    std::size_t nodes_ = 0;
    std::size_t bytes_ = 0;
};

// The first byte that YAML does not allow: the C0 controls but tab and line ends, DEL (section 5.1), invalid
// UTF-8.
std::optional<std::size_t> unsound_byte(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_length(text.substr(at));
        const auto byte = static_cast<unsigned char>(text[at]);
        const bool is_control = (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f;
        if (length == 0 || is_control) return at;
        at += length;
    }
    return std::nullopt;
}

std::string_view what_is_wrong_with(char byte) {
    if (byte == '\0') return "a NUL byte";
    return static_cast<unsigned char>(byte) < 0x80 ? "a control character" : "not valid UTF-8";
}

Result<> check_text(std::string_view text, std::string_view name) {
    if (text.size() > document_limit)
        return fail(Kind::invalid_config, name, ": is longer than ", document_limit, " bytes");
    if (text.starts_with("\xef\xbb\xbf")) return fail_at(name, {}, "starts with a byte order mark");
    const auto unsound = unsound_byte(text);
    if (!unsound) return {};
    YAML::Mark place;
    place.pos = static_cast<int>(*unsound);
    place.line = static_cast<int>(std::ranges::count(text.substr(0, *unsound), '\n'));
    return fail_at(name, mark_of(text, place), what_is_wrong_with(text[*unsound]));
}

// True if the line, from 0, begins with blanks of which one is a tab.
bool has_tab_before(std::string_view text, int line) {
    for (; line > 0; --line)
        text.remove_prefix(std::min(text.size(), text.find('\n')) + (text.contains('\n') ? 1 : 0));
    const std::string_view blanks = text.substr(0, text.find_first_not_of(" \t"));
    return blanks.contains('\t');
}

Result<Node> read_document(std::string_view text, std::string_view name) {
    try {
        Buffer buffer(text);
        std::istream stream(&buffer);
        YAML::Parser parser(stream);
        Builder builder(text);
        while (parser.HandleNextDocument(builder)) {
        }
        return std::move(builder.root);
    } catch (const YAML::Exception& error) {
        const bool is_tab = !error.mark.is_null() && has_tab_before(text, error.mark.line);
        return fail_at(name, mark_of(text, error.mark),
                       is_tab ? "is indented with a tab" : quotable(error.msg));
    }
}

}  // namespace

const Node* Node::find(std::string_view key) const {
    const auto found = std::ranges::find(entries, key, &Entry::key);
    return found == entries.end() ? nullptr : &found->value;
}

Result<Node> parse(std::string_view text, std::string_view name) {
    TRY(check_text(text, name));
    return read_document(text, name);
}

}  // namespace bulkhead::yaml
