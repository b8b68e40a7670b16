// SPDX-License-Identifier: Apache-2.0
#include "cli/defaults.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/nearest.hpp"
#include "base/yaml.hpp"
#include "cli/log_service.hpp"
#include "cli/request.hpp"
#include "spec/capabilities.hpp"
#include "spec/words.hpp"

namespace bulkhead::cli {

namespace {

using yaml::Entry;
using yaml::Node;

// Keys that a reader may expect, and the reason why they do not exist.
struct Absent {
    std::string_view name;
    std::string_view reason;
};
constexpr std::array absent{
    Absent{"debug", "is no key; log-level: debug says the same"},
    Absent{"root",
           "the state root cannot be set here: programs that looked below different roots would not see each "
           "other's containers; the flag --root names another one"},
    Absent{"systemd-cgroup", "is no key; cgroup-manager: systemd says the same"},
};
static_assert(std::ranges::is_sorted(absent, {}, &Absent::name));

class Reader {
  public:
    explicit Reader(std::string_view name) : name_(name) { read_.file = name; }

    Result<Defaults> read(const Node& document) &&;

  private:
    struct Key {
        std::string_view name;
        Result<> (Reader::*take)(const Entry&);
    };
    static const std::array<Key, 7> keys;
    static const std::array<Key, 8> spec_keys;

    // The error about the value of an entry, at its place.
    template <class... Pieces>
    std::unexpected<Error> refuse(const Entry& entry, const Node& at, const Pieces&... reason) const {
        return yaml::fail_at(name_, at.mark, quotable(entry.key), ": ", reason...);
    }

    Result<> take_all(const Node& map, std::span<const Key> known, std::span<const Absent> refused = {});
    Result<std::string> text(const Entry& entry, const Node& node) const;
    Result<std::string> choice(const Entry& entry, std::string_view words) const;
    Result<bool> truth(const Entry& entry) const;
    Result<std::vector<std::string>> list(const Entry& entry) const;
    Result<spec::ChosenLimit> limit(const Entry& entry) const;

    Result<> cgroup_manager(const Entry& entry);
    Result<> log(const Entry& entry);
    Result<> log_format(const Entry& entry);
    Result<> log_level(const Entry& entry);
    Result<std::vector<std::string>> directories(const Entry& entry) const;
    Result<> overlay_from(const Entry& entry);
    Result<> overlay_upper_from(const Entry& entry);
    Result<> spec(const Entry& entry);
    Result<> spec_capabilities(const Entry& entry);
    Result<> spec_env(const Entry& entry);
    Result<> spec_hostname(const Entry& entry);
    Result<> spec_no_new_privileges(const Entry& entry);
    Result<> spec_readonly(const Entry& entry);
    Result<> spec_rlimits(const Entry& entry);
    Result<> spec_seccomp(const Entry& entry);
    Result<> spec_terminal(const Entry& entry);

    std::string_view name_;
    Defaults read_;
};

// Each has its entry in bulkhead.yaml(5); tests/architecture checks that.
constexpr std::array<Reader::Key, 7> Reader::keys{{
    {"cgroup-manager", &Reader::cgroup_manager},
    {"log", &Reader::log},
    {"log-format", &Reader::log_format},
    {"log-level", &Reader::log_level},
    {"overlay-from", &Reader::overlay_from},
    {"overlay-upper-from", &Reader::overlay_upper_from},
    {"spec", &Reader::spec},
}};

constexpr std::array<Reader::Key, 8> Reader::spec_keys{{
    {"capabilities", &Reader::spec_capabilities},
    {"env", &Reader::spec_env},
    {"hostname", &Reader::spec_hostname},
    {"noNewPrivileges", &Reader::spec_no_new_privileges},
    {"readonly", &Reader::spec_readonly},
    {"rlimits", &Reader::spec_rlimits},
    {"seccomp", &Reader::spec_seccomp},
    {"terminal", &Reader::spec_terminal},
}};

Result<> Reader::take_all(const Node& map, std::span<const Key> known, std::span<const Absent> refused) {
    for (const Entry& entry : map.entries) {
        const auto key = std::ranges::find(known, entry.key, &Key::name);
        if (key != known.end()) {
            TRY((this->*key->take)(entry));
            continue;
        }
        const auto reason = std::ranges::find(refused, entry.key, &Absent::name);
        if (reason != refused.end()) return yaml::fail_at(name_, entry.mark, entry.key, ": ", reason->reason);
        std::vector<std::string_view> names;
        std::ranges::transform(known, std::back_inserter(names), &Key::name);
        const std::string_view meant = nearest(entry.key, names);
        return yaml::fail_at(name_, entry.mark, "unknown key ", quoted(entry.key),
                             meant.empty() ? "" : cat("; did you mean ", meant, '?'));
    }
    return {};
}

Result<std::string> Reader::text(const Entry& entry, const Node& node) const {
    if (!node.is(Node::Kind::scalar)) return refuse(entry, node, "must be a text");
    if (node.text.empty()) return refuse(entry, node, "is empty");
    return node.text;
}

// `words`: as in the tables of flags, "text|json".
Result<std::string> Reader::choice(const Entry& entry, std::string_view words) const {
    LET(std::string word, text(entry, entry.value));
    if (std::ranges::count(split(words, '|'), std::string_view(word)) == 0)
        return refuse(entry, entry.value, quoted(word), ": must be one of ", words);
    return word;
}

Result<bool> Reader::truth(const Entry& entry) const {
    if (yaml::scalar_type(entry.value) != yaml::ScalarType::boolean)
        return refuse(entry, entry.value, "must be true or false");
    return lower(entry.value.text) == "true";
}

Result<std::vector<std::string>> Reader::list(const Entry& entry) const {
    if (!entry.value.is(Node::Kind::sequence)) return refuse(entry, entry.value, "must be a list");
    std::vector<std::string> words;
    for (const Node& item : entry.value.items) {
        LET(std::string word, text(entry, item));
        words.push_back(std::move(word));
    }
    return words;
}

// disabled is not among them: without a cgroup a config's limits would not be in force.
Result<> Reader::cgroup_manager(const Entry& entry) {
    LET(read_.cgroup_manager, choice(entry, "cgroupfs|systemd"));
    return {};
}

Result<> Reader::log(const Entry& entry) {
    LET(read_.log, text(entry, entry.value));
    if (read_.log.starts_with('/') || service_of(read_.log)) return {};
    return refuse(entry, entry.value, quoted(read_.log),
                  ": must be an absolute path, journald:ID or syslog:ID");
}

Result<> Reader::log_format(const Entry& entry) {
    LET(read_.log_format, choice(entry, "text|json"));
    return {};
}

Result<> Reader::log_level(const Entry& entry) {
    LET(read_.log_level, choice(entry, "error|warning|debug"));
    return {};
}

Result<std::vector<std::string>> Reader::directories(const Entry& entry) const {
    LET(std::vector<std::string> directories, list(entry));
    for (std::size_t i = 0; i < directories.size(); ++i)
        if (!is_layer_directory(directories[i]))
            return refuse(entry, entry.value.items[i], quoted(directories[i]), ": ", layer_directory_rule);
    return directories;
}

Result<> Reader::overlay_from(const Entry& entry) {
    LET(read_.overlay_from, directories(entry));
    return {};
}

Result<> Reader::overlay_upper_from(const Entry& entry) {
    LET(read_.overlay_upper_from, directories(entry));
    return {};
}

Result<> Reader::spec(const Entry& entry) {
    if (!entry.value.is(Node::Kind::map)) return refuse(entry, entry.value, "must be a map");
    return take_all(entry.value, spec_keys);
}

Result<> Reader::spec_capabilities(const Entry& entry) {
    LET(std::vector<std::string> names, list(entry));
    for (std::size_t i = 0; i < names.size(); ++i)
        if (!spec::capability_number(names[i]))
            return refuse(entry, entry.value.items[i], quoted(names[i]), ": is no capability");
    read_.spec.capabilities = std::move(names);
    return {};
}

Result<> Reader::spec_env(const Entry& entry) {
    LET(std::vector<std::string> variables, list(entry));
    for (std::size_t i = 0; i < variables.size(); ++i)
        if (variables[i].find('=') == std::string::npos || variables[i].starts_with('='))
            return refuse(entry, entry.value.items[i], quoted(variables[i]), ": must be NAME=VALUE");
    read_.spec.env = std::move(variables);
    return {};
}

Result<> Reader::spec_hostname(const Entry& entry) {
    constexpr std::size_t longest = 64;  // __NEW_UTS_LEN of the kernel
    LET(std::string hostname, text(entry, entry.value));
    if (hostname.size() > longest)
        return refuse(entry, entry.value, quoted(hostname), ": the kernel takes ", longest, " bytes");
    read_.spec.hostname = std::move(hostname);
    return {};
}

Result<> Reader::spec_no_new_privileges(const Entry& entry) {
    LET(read_.spec.no_new_privileges, truth(entry));
    return {};
}

Result<> Reader::spec_readonly(const Entry& entry) {
    LET(read_.spec.readonly, truth(entry));
    return {};
}

Result<> Reader::spec_terminal(const Entry& entry) {
    LET(read_.spec.terminal, truth(entry));
    return {};
}

Result<spec::ChosenLimit> Reader::limit(const Entry& entry) const {
    if (std::ranges::count(spec::rlimit_names(), entry.key, &spec::RlimitName::text) == 0)
        return yaml::fail_at(name_, entry.mark, "rlimits: ", quoted(entry.key), ": is no resource limit");
    LET(const std::string word, text(entry, entry.value));
    if (word == "unlimited") return spec::ChosenLimit{entry.key, RLIM_INFINITY};
    const auto value = parse_decimal<std::uint64_t>(word);
    if (!value) return refuse(entry, entry.value, quoted(word), ": must be a number or unlimited");
    return spec::ChosenLimit{entry.key, *value};
}

Result<> Reader::spec_rlimits(const Entry& entry) {
    if (!entry.value.is(Node::Kind::map)) return refuse(entry, entry.value, "must be a map");
    std::vector<spec::ChosenLimit> limits;
    for (const Entry& each : entry.value.entries) {
        LET(spec::ChosenLimit chosen, limit(each));
        limits.push_back(std::move(chosen));
    }
    read_.spec.rlimits = std::move(limits);
    return {};
}

Result<> Reader::spec_seccomp(const Entry& entry) {
    LET(read_.seccomp, choice(entry, "none|default"));
    return {};
}

Result<Defaults> Reader::read(const Node& document) && {
    if (document.is(Node::Kind::null)) return std::move(read_);  // empty, or only comments
    if (!document.is(Node::Kind::map)) return yaml::fail_at(name_, document.mark, "must be a map");
    TRY(take_all(document, keys, absent));
    for (const Entry& entry : document.entries)
        if (read_.log.empty() && entry.key.starts_with("log-"))
            return yaml::fail_at(name_, entry.mark, entry.key, ": needs log beside it, of which it speaks");
    return std::move(read_);
}

}  // namespace

Result<Defaults> parse_defaults(std::string_view text, std::string_view name) {
    LET(const Node document, yaml::parse(text, name));
    return Reader(name).read(document);
}

}  // namespace bulkhead::cli
