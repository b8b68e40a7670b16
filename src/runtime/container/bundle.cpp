// SPDX-License-Identifier: Apache-2.0
#include "runtime/container/bundle.hpp"

#include <fcntl.h>

#include "base/files.hpp"
#include "base/sys.hpp"
#include "rootfs/plan_overlay.hpp"
#include "runtime/compile/hook.hpp"
#include "spec/json.hpp"
#include "spec/parse.hpp"

namespace bulkhead::runtime {

namespace {

constexpr const char* config_file = "config.json";

Result<std::string> read_config(const std::string& bundle) {
    LET(const Fd directory, sys::open(bundle, O_PATH | O_DIRECTORY));
    auto text = read_file_at(directory.number(), config_file, json::document_limit);
    // Without the errno: "no such file or directory" would tell engines that the container's program is
    // missing.
    if (!text && text.error().kind == Kind::not_found)
        return fail(Kind::not_found, "JSON specification file ", config_file, " not found");
    return text;
}

// This opens the root once, for a good error message; CloneTree opens it to use it. "does not exist" is said
// of containers only: a shim takes what it reads in an error for deleted. The errno's words are those of
// runc.
Result<> check_root(const std::string& root) {
    const auto status = sys::status_at(sys::here, root);
    if (!status && status.error().kind == Kind::not_found)
        return fail(Kind::not_found, "config.json: /root/path: invalid rootfs: ", quoted(root), ": ",
                    errno_words(status.error().err));
    if (!status) return std::unexpected(Error(status.error()).under("config.json: /root/path"));
    if (!S_ISDIR(status->st_mode))
        return fail(Kind::invalid_config, "config.json: /root/path: ", quoted(root), ": not a directory");
    return {};
}

}  // namespace

Result<Bundle> load_bundle(const std::string& path) {
    LET(std::string bundle, absolute(path.empty() ? "." : path));
    while (bundle.size() > 1 && (bundle.ends_with('/') || bundle.ends_with("/."))) bundle.pop_back();
    LET(std::string text, read_config(bundle));
    LET(spec::Spec parsed, spec::parse(text));
    LET(spec::ValidSpec spec, spec::validate(std::move(parsed)));
    const std::string& root = spec.root().path;
    std::string absolute_root = root.starts_with('/') ? root : cat(bundle, '/', root);
    // Layers need no directory there, but hooks of the creation find the root where the config says.
    if (!rootfs::wants_overlay(*spec) || has_early_hooks(spec)) TRY(check_root(absolute_root));
    return Bundle{std::move(bundle), std::move(absolute_root), std::move(text), std::move(spec)};
}

// The stage opens the layers to use them; only here can an error name the one that is missing.
Result<> check_layers(const spec::ValidSpec& spec, const rootfs::OverlayGrants& grants) {
    LET(const auto overlay, rootfs::read_overlay(*spec, grants));
    if (!overlay) return {};
    for (const auto* list : {&overlay->lower, &overlay->upper})
        for (const rootfs::AllowedPath& each : *list) {
            const std::string path = cat(each.allowed, '/', each.below);
            const auto status = sys::status_at(sys::here, path);
            if (!status && status.error().kind == Kind::not_found)
                return fail(Kind::not_found, "config.json: ", each.pointer, ": ", quoted(path), ": ",
                            errno_words(status.error().err));
            if (status && !S_ISDIR(status->st_mode))
                return fail(Kind::invalid_config, "config.json: ", each.pointer, ": ", quoted(path),
                            ": not a directory");
        }
    return {};
}

}  // namespace bulkhead::runtime
