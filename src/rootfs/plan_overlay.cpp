// SPDX-License-Identifier: Apache-2.0
#include "rootfs/plan_overlay.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace bulkhead::rootfs {

namespace {

constexpr std::string_view prefix = "run.bulkhead.overlay.";
constexpr std::string_view lower_name = "run.bulkhead.overlay.lower", size_name = "run.bulkhead.overlay.size",
                           upper_name = "run.bulkhead.overlay.upper", work_name = "run.bulkhead.overlay.work";
constexpr std::array names{lower_name, size_name, upper_name, work_name};
static_assert(std::ranges::is_sorted(names));

constexpr std::size_t layer_limit = 500;          // OVL_MAX_STACK of the kernel
constexpr std::string_view default_size = "50%";  // the kernel's own for a tmpfs, of the memory

std::string pointer_of(std::string_view name) { return cat("/annotations/", pointer_token(name)); }

template <class... Pieces>
std::unexpected<Error> refuse(std::string_view pointer, std::string_view value, const Pieces&... reason) {
    return fail(Kind::invalid_config, "config.json: ", pointer, ": ", quoted(value), ": ", reason...);
}

// nullopt if the config does not have it. An annotation may be empty; none of these may.
std::optional<std::string_view> annotation(const spec::Spec& spec, std::string_view name) {
    const auto found = spec.annotations.find(std::string(name));
    if (found == spec.annotations.end()) return std::nullopt;
    return std::string_view(found->second);
}

Result<> check_names(const spec::Spec& spec) {
    for (const auto& [name, value] : spec.annotations)
        if (name.starts_with(prefix) && !std::ranges::binary_search(names, std::string_view(name)))
            return refuse(pointer_of(name), value, "there is no such annotation");
    return {};
}

// "/a//b/." -> "/a/b"; nullopt for what is not absolute or has a ".." in it.
std::optional<std::string> plain_path(std::string_view path) {
    if (!path.starts_with('/')) return std::nullopt;
    std::string plain;
    for (const std::string_view part : split(path, '/')) {
        if (part == "..") return std::nullopt;
        if (!part.empty() && part != ".") plain.append("/").append(part);
    }
    return plain.empty() ? "/" : plain;
}

// The part of `path` below `directory`; both are plain.
std::optional<std::string_view> below(std::string_view path, std::string_view directory) {
    if (path == directory) return ".";
    if (directory == "/") return path.substr(1);
    if (!path.starts_with(directory) || path[directory.size()] != '/') return std::nullopt;
    return path.substr(directory.size() + 1);
}

// One of the two grants, with the flag and the key that give it.
struct Grant {
    const std::vector<std::string>& directories;
    std::string_view name;  // of the flag, and of the key in bulkhead.yaml
    std::string_view what;
};

// Picks the widest of several allowed directories: a link may lead anywhere in it.
Result<AllowedPath> allow(std::string_view text, const std::string& pointer, const Grant& grant) {
    const auto path = plain_path(text);
    if (!path) return refuse(pointer, text, "must be an absolute path without ..");
    std::optional<AllowedPath> widest;
    for (const std::string& directory : grant.directories) {
        const auto plain = plain_path(directory);
        const auto rest = plain ? below(*path, *plain) : std::nullopt;
        if (rest && (!widest || plain->size() < widest->allowed.size()))
            widest = AllowedPath{*plain, std::string(*rest), pointer};
    }
    if (widest) return *std::move(widest);
    if (grant.directories.empty())
        return refuse(pointer, text, "no directory is allowed for ", grant.what, "; the flag --", grant.name,
                      " names them, or ", grant.name, " in bulkhead.yaml");
    return refuse(pointer, text, "not below a directory that --", grant.name, " or bulkhead.yaml names (",
                  join(grant.directories, ", "), ')');
}

Result<std::vector<AllowedPath>> read_layers(std::string_view list, const std::vector<std::string>& allowed) {
    const Grant grant{allowed, "overlay-from", "layers"};
    const std::string pointer = pointer_of(lower_name);
    std::vector<AllowedPath> layers;
    for (const std::string_view path : split(list, ':')) {
        LET(AllowedPath layer, allow(path, pointer, grant));
        layers.push_back(std::move(layer));
    }
    if (layers.size() > layer_limit)
        return fail(Kind::invalid_config, "config.json: ", pointer, ": ", layers.size(),
                    " layers; the kernel takes ", layer_limit);
    return layers;
}

// "64m", "1G", "4096": the size of tmpfs(5), but never 0, which means no limit there.
Result<std::string> read_size(std::string_view text) {
    constexpr std::pair<char, unsigned> units[] = {{'k', 10}, {'m', 20}, {'g', 30}};
    std::string_view digits = text;
    unsigned shift = 0;
    for (const auto& [unit, bits] : units)
        if (lower(text).ends_with(unit)) {
            digits.remove_suffix(1);
            shift = bits;
        }
    const auto value = parse_decimal<std::uint64_t>(digits);
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!value || *value == 0 || *value > most >> shift)
        return refuse(pointer_of(size_name), text,
                      "must be a number of bytes, or one with k, m or g behind it");
    return lower(text);
}

std::string whole(const AllowedPath& path) {
    if (path.below == ".") return path.allowed;
    return cat(path.allowed == "/" ? "" : path.allowed, '/', path.below);
}

// The kernel answers ELOOP to layers inside each other. With a slash after each path, whatever lies inside
// another follows it when they are sorted.
Result<> check_apart(const Overlay& overlay) {
    std::vector<std::pair<std::string, const AllowedPath*>> all;
    for (const auto* list : {&overlay.lower, &overlay.upper})
        for (const AllowedPath& path : *list) all.emplace_back(whole(path) + "/", &path);
    std::ranges::sort(all);
    for (std::size_t i = 1; i < all.size(); ++i)
        if (all[i].first.starts_with(all[i - 1].first))
            return refuse(all[i].second->pointer, whole(*all[i].second), "is the same as, or inside, ",
                          quoted(whole(*all[i - 1].second)));
    return {};
}

// A kept upper, a throw-away one, or none at all.
Result<> read_upper(Overlay& overlay, const spec::Spec& spec, const std::vector<std::string>& allowed) {
    const auto upper = annotation(spec, upper_name), work = annotation(spec, work_name),
               size = annotation(spec, size_name);
    if (upper && !work) return refuse(pointer_of(upper_name), *upper, "needs ", work_name, " beside it");
    if (work && !upper) return refuse(pointer_of(work_name), *work, "needs ", upper_name, " beside it");
    if (upper && size)
        return refuse(pointer_of(size_name), *size, "limits an upper directory that is thrown away, but ",
                      upper_name, " keeps one");
    if (upper) {
        const Grant grant{allowed, "overlay-upper-from", "upper and work directories"};
        LET(AllowedPath kept, allow(*upper, pointer_of(upper_name), grant));
        LET(AllowedPath scratch, allow(*work, pointer_of(work_name), grant));
        overlay.upper = {std::move(kept), std::move(scratch)};
        return {};
    }
    const bool readonly = spec.root && spec.root->readonly;
    if (readonly && size)
        return refuse(pointer_of(size_name), *size, "nothing can be written, since /root/readonly is true");
    if (readonly) return {};
    overlay.size = default_size;
    if (!size) return {};
    LET(overlay.size, read_size(*size));
    return {};
}

}  // namespace

std::span<const std::string_view> overlay_annotations() { return names; }

std::vector<std::string> pairs_of(const std::vector<AllowedPath>& paths) {
    std::vector<std::string> pairs;
    for (const AllowedPath& path : paths) {
        pairs.push_back(path.allowed);
        pairs.push_back(path.below);
    }
    return pairs;
}

bool wants_overlay(const spec::Spec& spec) { return annotation(spec, lower_name).has_value(); }

Result<std::optional<Overlay>> read_overlay(const spec::Spec& spec, const OverlayGrants& grants) {
    TRY(check_names(spec));
    const auto list = annotation(spec, lower_name);
    for (const std::string_view name : names)
        if (const auto value = annotation(spec, name); value && !list)
            return refuse(pointer_of(name), *value, "needs ", lower_name, " beside it");
    if (!list) return std::nullopt;
    Overlay overlay;
    LET(overlay.lower, read_layers(*list, grants.lower));
    TRY(read_upper(overlay, spec, grants.upper));
    TRY(check_apart(overlay));
    return overlay;
}

}  // namespace bulkhead::rootfs
