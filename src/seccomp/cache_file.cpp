// SPDX-License-Identifier: Apache-2.0
#include "seccomp/cache_file.hpp"

#include <cstring>
#include <type_traits>

namespace bulkhead::seccomp {

namespace {

struct Header {
    char magic[8];
    std::uint64_t hash;  // of everything after this number
    std::uint32_t key_size;
    std::uint32_t count;
    std::uint32_t flags;
    std::uint32_t notifies;
};
static_assert(sizeof(Header) == 32 && std::has_unique_object_representations_v<Header>);
static_assert(sizeof(sock_filter) == 8 && std::has_unique_object_representations_v<sock_filter>);

constexpr std::string_view magic = "bhseccmp";
constexpr std::size_t hashed_from = offsetof(Header, key_size);

template <class Item>
std::string_view bytes_of(const Item* items, std::size_t count) {
    return {reinterpret_cast<const char*>(items), count * sizeof(Item)};
}

bool is_consistent(const Header& header, std::string_view bytes) {
    return std::string_view(header.magic, sizeof header.magic) == magic && header.notifies <= 1 &&
           header.count <= BPF_MAXINSNS &&
           bytes.size() == sizeof header + header.key_size + header.count * sizeof(sock_filter) &&
           header.hash == hash_of(bytes.substr(hashed_from));
}

}  // namespace

std::uint64_t hash_of(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return hash;
}

std::string cache_text(std::string_view key, const Program& program) {
    Header header{.hash = 0,
                  .key_size = static_cast<std::uint32_t>(key.size()),
                  .count = static_cast<std::uint32_t>(program.instructions.size()),
                  .flags = program.flags,
                  .notifies = program.notifies ? 1u : 0u};
    magic.copy(header.magic, sizeof header.magic);
    std::string text(bytes_of(&header, 1));
    text.append(key).append(bytes_of(program.instructions.data(), program.instructions.size()));
    header.hash = hash_of(std::string_view(text).substr(hashed_from));
    return text.replace(0, sizeof header, bytes_of(&header, 1));
}

std::optional<Program> read_cache_text(std::string_view bytes, std::string_view key) {
    Header header;
    if (bytes.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (!is_consistent(header, bytes) || header.count == 0) return std::nullopt;
    if (bytes.substr(sizeof header, header.key_size) != key) return std::nullopt;
    Program program{std::vector<sock_filter>(header.count), header.flags, header.notifies == 1};
    const std::string_view code = bytes.substr(sizeof header + header.key_size);
    std::memcpy(program.instructions.data(), code.data(), code.size());
    if (!is_sound(program.instructions)) return std::nullopt;
    return program;
}

}  // namespace bulkhead::seccomp
