// SPDX-License-Identifier: Apache-2.0
#include "cgroups/systemd/host_helper/values.hpp"

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/error.hpp"

namespace bulkhead::host_helper {

namespace {

std::unexpected<BusError> misfit(std::string_view word, std::string_view type) {
    return std::unexpected(BusError{{}, cat(quoted(word), " is no value of the type ", quoted(type))});
}

template <class Number>
std::optional<Number> number_of(const std::string& word) {
    Number value{};
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, value);
    if (word.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

template <class Number>
int append_number(sd_bus_message* message, char type, const std::string& word) {
    const auto value = number_of<Number>(word);
    return value ? sd_bus_message_append_basic(message, type, &*value) : -EINVAL;
}

int append_basic(sd_bus_message* message, char type, const std::string& word) {
    switch (type) {
        case 'b': {
            const int truth = word == "true" ? 1 : 0;
            if (truth == 0 && word != "false") return -EINVAL;
            return sd_bus_message_append_basic(message, type, &truth);
        }
        case 'y': return append_number<std::uint8_t>(message, type, word);
        case 'i': return append_number<std::int32_t>(message, type, word);
        case 'u': return append_number<std::uint32_t>(message, type, word);
        case 'x': return append_number<std::int64_t>(message, type, word);
        case 't': return append_number<std::uint64_t>(message, type, word);
        case 'd': return append_number<double>(message, type, word);
        case 's': return sd_bus_message_append_basic(message, type, word.c_str());
        default: return -EINVAL;
    }
}

class Writer {
  public:
    Writer(sd_bus_message* message, std::span<const std::string> words) : message_(message), words_(words) {}

    bool done() const { return words_.empty(); }

    Answer<std::string> next() {
        if (words_.empty()) return std::unexpected(BusError{{}, "the request is cut short"});
        std::string word = words_.front();
        words_ = words_.subspan(1);
        return word;
    }

    Answer<std::size_t> count() {
        LET(const std::string word, next());
        const auto number = number_of<std::uint32_t>(word);
        if (!number || *number > words_.size()) return misfit(word, "number of words");
        return *number;
    }

    // Writes every type of the signature in turn. parse_gvariant has made the signature.
    Answer<> values(std::string_view signature) {
        while (!signature.empty()) {
            const std::size_t size = size_of_first(signature);
            if (size == 0) return misfit(signature, "signature");
            TRY(value(signature.substr(0, size)));
            signature.remove_prefix(size);
        }
        return {};
    }

  private:
    static std::size_t size_of_first(std::string_view signature) {
        if (signature[0] == 'a') return signature.size() < 2 ? 0 : 1 + size_of_first(signature.substr(1));
        if (signature[0] != '(') return 1;
        std::size_t depth = 0;
        for (std::size_t at = 0; at < signature.size(); ++at) {
            if (signature[at] == '(') ++depth;
            if (signature[at] == ')' && --depth == 0) return at + 1;
        }
        return 0;
    }

    Answer<> value(std::string_view type) {
        if (type[0] == 'a') return array(type.substr(1));
        if (type[0] == '(') return inside('r', type.substr(1, type.size() - 2), 1);
        LET(const std::string word, next());
        if (append_basic(message_, type[0], word) < 0) return misfit(word, type);
        return {};
    }

    Answer<> array(std::string_view element) {
        LET(const std::size_t number, count());
        return inside('a', element, number);
    }

    Answer<> inside(char container, std::string_view contents, std::size_t times) {
        const std::string text(contents);
        if (const int done = sd_bus_message_open_container(message_, container, text.c_str()); done < 0)
            return misfit(contents, "signature");
        for (std::size_t i = 0; i < times; ++i) TRY(values(contents));
        if (const int done = sd_bus_message_close_container(message_); done < 0)
            return bus_error(done, "message");
        return {};
    }

    sd_bus_message* message_;
    std::span<const std::string> words_;
};

Answer<> append_property(sd_bus_message* message, const std::string& name, const std::string& signature,
                         std::span<const std::string> words) {
    int done = sd_bus_message_open_container(message, 'r', "sv");
    if (done >= 0) done = sd_bus_message_append_basic(message, 's', name.c_str());
    if (done >= 0) done = sd_bus_message_open_container(message, 'v', signature.c_str());
    if (done < 0) return bus_error(done, name);
    Writer writer(message, words);
    if (auto written = writer.values(signature); !written)
        return std::unexpected(BusError{{}, cat(name, ": ", written.error().text)});
    if (!writer.done()) return misfit(name, signature);
    done = sd_bus_message_close_container(message);
    if (done >= 0) done = sd_bus_message_close_container(message);
    if (done < 0) return bus_error(done, name);
    return {};
}

}  // namespace

Answer<> append_properties(sd_bus_message* message, std::span<const std::string> words) {
    int done = sd_bus_message_open_container(message, 'a', "(sv)");
    if (done < 0) return bus_error(done, "message");
    for (Writer reader(nullptr, words); !reader.done();) {
        LET(const std::string name, reader.next());
        LET(const std::string signature, reader.next());
        LET(const std::size_t count, reader.count());
        std::vector<std::string> values;
        for (std::size_t i = 0; i < count; ++i) values.push_back(*reader.next());
        TRY(append_property(message, name, signature, values));
    }
    done = sd_bus_message_close_container(message);
    if (done < 0) return bus_error(done, "message");
    return {};
}

}  // namespace bulkhead::host_helper
