// SPDX-License-Identifier: Apache-2.0
// What of the host a container's mounts begin with: clones of the root and of each bind source.
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <utility>

#include "rootfs/plan_devices.hpp"
#include "rootfs/plan_mounts.hpp"
#include "spec/find_namespace.hpp"

namespace bulkhead::rootfs {

using plan::TimelineBuilder;
using spec::NamespaceType;

namespace {

std::string mount_pointer(std::size_t index) { return cat("/mounts/", index); }

bool is_new(const spec::Namespace* entry) { return entry != nullptr && entry->path.empty(); }

// What a clone of the host's mounts is to them, before the mount's own words. By default it receives and
// sends nothing back. It stays a peer only if the config says so (Kubernetes: Bidirectional), and never
// across a user namespace, where the kernel makes every copied mount a slave as well (mount_namespaces(7)):
// an unprivileged mount must not arrive on the host.
std::vector<std::uint32_t> base_propagation(const spec::Spec& spec) {
    using enum spec::Propagation;
    switch (spec.linux.rootfs_propagation.value_or(rslave)) {
        case shared:
        case rshared:
            if (find_namespace(spec, NamespaceType::user) == nullptr) return {};
            [[fallthrough]];
        case slave:
        case rslave: return {MS_SLAVE | MS_REC};
        case private_:
        case rprivate:
        case unbindable:
        case runbindable: break;
    }
    return {MS_PRIVATE | MS_REC};
}

// The container's own mounts are made on the root, so it is a peer of nothing, whatever the config says.
std::vector<std::uint32_t> root_propagation(const spec::Spec& spec) {
    const std::vector<std::uint32_t> base = base_propagation(spec);
    return base.empty() ? std::vector<std::uint32_t>{MS_SLAVE | MS_REC} : base;
}

std::string map_text(const std::vector<spec::IdMapping>& mappings) {
    std::string text;
    for (const spec::IdMapping& each : mappings)
        text.append(cat(each.container_id, ' ', each.host_id, ' ', each.size, '\n'));
    return text;
}

// The mount's mappings, else those of the container's user namespace where idmap or ridmap asks for one.
Result<std::optional<plan::IdMaps>> id_maps_of(const spec::Mount& mount, const MountOptions& options,
                                               const spec::Linux& linux, const MountInputs& inputs,
                                               const std::string& pointer) {
    const bool given = !mount.uid_mappings.empty();
    if (!given && options.id_map == IdMapWord::none) return std::nullopt;
    const std::string where = given ? pointer + "/uidMappings" : pointer + "/options";
    const auto refuse = [&](std::string_view why) {
        return fail(Kind::invalid_config, "config.json: ", where, ": ", why);
    };
    if (!options.bind || options.remount)
        return refuse("id-mapped mounts are only supported for bind-mounts");
    if (!inputs.host.kernel_at_least(5, 12))
        return fail(Kind::unsupported, "config.json: ", where, ": an id-mapped mount ",
                    inputs.host.needs_kernel(5, 12));
    if (inputs.clones_inside)
        return refuse("id-mapped mounts are not supported for rootless containers: they need privileges");
    if (!given && (linux.uid_mappings.empty() || linux.gid_mappings.empty()))
        return refuse("an id-mapped mount needs uidMappings and gidMappings, its own or those of linux");
    return plan::IdMaps{.uids = map_text(given ? mount.uid_mappings : linux.uid_mappings),
                        .gids = map_text(given ? mount.gid_mappings : linux.gid_mappings),
                        .whole_tree = options.id_map == IdMapWord::ridmap};
}

// "cgroup" means the hierarchy there is: cgroup2, rooted at the container's cgroup namespace.
std::string filesystem_type(const spec::Mount& mount) {
    return mount.type == "cgroup" ? "cgroup2" : mount.type;
}

// sysfs belongs to the owner of the network namespace, and a user namespace that the config makes owns none
// but a new one (net_namespace_sysfs; runc fails here, crun binds).
bool may_mount_sysfs(const spec::Spec& spec) {
    const spec::Namespace* user = find_namespace(spec, NamespaceType::user);
    const spec::Namespace* network = find_namespace(spec, NamespaceType::network);
    if (user == nullptr || is_new(network)) return true;
    return network != nullptr && !is_new(user);  // both joined: they may well belong together
}

// The same for the message queues of an ipc namespace.
bool may_mount_queues(const spec::Spec& spec) {
    const spec::Namespace* user = find_namespace(spec, NamespaceType::user);
    const spec::Namespace* ipc = find_namespace(spec, NamespaceType::ipc);
    if (user == nullptr || is_new(ipc)) return true;
    return ipc != nullptr && !is_new(user);
}

// The words of cgroup2 that the kernel takes from the host's own mount only (cgroups(7), cgroup_root_flags):
// without effect in a container, so they are none in a bind of its cgroup either.
constexpr std::array hierarchy_words{
    std::string_view("favordynmods"),       std::string_view("memory_hugetlb_accounting"),
    std::string_view("memory_localevents"), std::string_view("memory_recursiveprot"),
    std::string_view("nsdelegate"),         std::string_view("pids_localevents")};
static_assert(std::ranges::is_sorted(hierarchy_words));

// Words of a superblock have no effect on a bind (options.hpp); any other is an error that the file system
// itself would give.
Result<> check_cgroup_words(const spec::Mount& mount, const std::string& pointer) {
    LET(const MountOptions as_bind, [&]() -> Result<MountOptions> {
        std::vector<std::string> words = mount.options;
        std::erase_if(words, [](const std::string& word) {
            return std::ranges::binary_search(hierarchy_words, std::string_view(word));
        });
        words.emplace_back("bind");
        return parse_options(words, pointer + "/options");
    }());
    return {};
}

// Without privileges over the host an overlay keeps its marks in user.* attributes (5.11). A single read-only
// layer is none (MountOverlay).
Result<> check_overlay(const Overlay& overlay, const spec::Spec& spec, const plan::HostFacts& host) {
    const bool single = overlay.lower.size() == 1 && overlay.upper.empty() && overlay.size.empty();
    if (single || host.kernel_at_least(5, 11) || !in_user_namespace(spec, host)) return {};
    return fail(Kind::unsupported, "config.json: ", overlay.lower.front().pointer,
                ": an overlay in a user namespace ", host.needs_kernel(5, 11));
}

// MountInputs the mount in the container: what is cloned for it, or which file system is made.
class Finder {
  public:
    Finder(TimelineBuilder& timeline, const spec::Spec& spec, const MountInputs& inputs, Cloner& clone)
        : timeline_(timeline), spec_(spec), inputs_(inputs), clone_(clone) {}

    Result<PlannedMount> operator()(const spec::Mount& mount, const std::string& pointer) {
        LET(PlannedMount planned, begin(mount, pointer));
        LET(const auto maps, id_maps_of(mount, planned.options, spec_.linux, inputs_, pointer));
        if (planned.options.remount) return planned;
        if (planned.options.bind) {
            bind(planned, mount, maps, pointer);
            return planned;
        }
        if (planned.type == "cgroup2" && !inputs_.own_cgroup_namespace) {
            TRY(check_cgroup_words(mount, pointer));
            show_cgroup(planned, pointer);
        }
        if (planned.type == "sysfs" && !may_mount_sysfs(spec_)) bind_sysfs(planned, pointer);
        if (planned.type == "mqueue" && !may_mount_queues(spec_) && !inputs_.clones_inside)
            open_queues(planned, pointer);
        return planned;
    }

  private:
    static Result<PlannedMount> begin(const spec::Mount& mount, const std::string& pointer) {
        LET(MountOptions options, parse_options(mount.options, pointer + "/options"));
        if (options.copy_up && mount.type != "tmpfs")
            return fail(Kind::invalid_config, "config.json: ", pointer, "/options: ", quoted("tmpcopyup"),
                        ": is for a new tmpfs only");
        return PlannedMount{.options = std::move(options), .type = filesystem_type(mount), .tree = {}};
    }

    std::vector<std::uint32_t> propagation(const MountOptions& options) const {
        std::vector<std::uint32_t> all = base_propagation(spec_);
        all.insert(all.end(), options.propagation.begin(), options.propagation.end());
        return all;
    }

    // CVE-2023-25809: without privileges and without a cgroup namespace, what is below /sys/fs/cgroup are the
    // caller's own cgroups.
    bool exposes_cgroups(std::string_view source, bool recursive) const {
        return recursive && inputs_.clones_inside && !inputs_.own_cgroup_namespace &&
               cleaned(source) == "sys";
    }

    void bind(PlannedMount& planned, const spec::Mount& mount, const std::optional<plan::IdMaps>& maps,
              const std::string& pointer) {
        const MountOptions& options = planned.options;
        const std::string path =
            mount.source.starts_with('/') ? mount.source : cat(inputs_.bundle, '/', mount.source);
        planned.shows_cgroups = exposes_cgroups(path, options.recursive);
        planned.tree =
            clone_({path, options.recursive, options.attributes, propagation(options), maps}, pointer);
    }

    // Without a cgroup namespace cgroup2 would show the whole hierarchy of the host, so the container's own
    // cgroup is bound there, as runc does. Without privileges there may be none: then there is an empty
    // read-only directory instead.
    void show_cgroup(PlannedMount& planned, const std::string& pointer) {
        MountOptions& options = planned.options;
        if (!inputs_.clones_inside) {
            planned.tree =
                clone_({inputs_.cgroup, false, options.attributes, propagation(options), {}}, pointer);
            return;
        }
        planned.type = "tmpfs";
        options.data = {"nr_blocks=1", "nr_inodes=1", "mode=555"};
        options.attributes.set |=
            MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    }

    // The host's /sys with all below it; what is set on the mount is set on everything, and nothing that the
    // host has set is cleared.
    void bind_sysfs(PlannedMount& planned, const std::string& pointer) {
        const MountOptions& options = planned.options;
        plan::MountAttributes attributes = options.attributes;
        attributes.set_tree |= attributes.set & ~std::uint32_t{MOUNT_ATTR__ATIME};
        attributes.clear = attributes.clear_tree = 0;
        attributes.set &= ~std::uint32_t{MOUNT_ATTR__ATIME};
        planned.shows_cgroups = exposes_cgroups("/sys", true);
        planned.tree = clone_({"/sys", true, attributes, propagation(options), {}}, pointer);
    }

    void open_queues(PlannedMount& planned, const std::string& pointer) {
        Tree tree{.slot = timeline_.slot(), .propagation = planned.options.propagation};
        plan::MountAttributes attributes = planned.options.attributes;
        if (!inputs_.host.sets_mount_attributes()) tree.attributes = std::exchange(attributes, {});
        timeline_.host(
            plan::OpenMessageQueues{.ipc = inputs_.ipc, .attributes = attributes, .slot = tree.slot},
            pointer);
        planned.tree = std::move(tree);
    }

    TimelineBuilder& timeline_;
    const spec::Spec& spec_;
    const MountInputs& inputs_;
    Cloner& clone_;
};

// ---- without a mount namespace --------------------------------------------------------------------------

// What is to be mounted, by the first of its pointers; empty: nothing.
std::string pointer_to_mounts(const spec::Spec& spec, const MountInputs& inputs) {
    if (!spec.mounts.empty()) return mount_pointer(0);
    if (spec.root && spec.root->readonly) return "/root/readonly";
    if (spec.linux.rootfs_propagation) return "/linux/rootfsPropagation";
    if (spec.process && spec.process->terminal) return "/process/terminal";
    return inputs.notify ? "/linux/namespaces" : "";
}

// The mounts are the host's own then, and what is made below its root is, too.
Result<> check_shared_mounts(const spec::Spec& spec, const MountInputs& inputs,
                             const std::optional<Overlay>& overlay) {
    const auto refuse = [](std::string_view pointer, std::string_view why) {
        return fail(Kind::invalid_config, "config.json: ", pointer, ": without a mount namespace ", why);
    };
    if (overlay) return refuse(overlay->lower.front().pointer, "the root cannot be an overlay");
    if (cleaned(inputs.root).empty()) return refuse("/root/path", "the root cannot be the host's own");
    const std::string pointer = pointer_to_mounts(spec, inputs);
    if (pointer.empty()) return {};
    if (in_user_namespace(spec, inputs.host) && find_namespace(spec, NamespaceType::user) != nullptr)
        return refuse(pointer,
                      "nothing can be mounted from inside a user namespace, which does not own the host's");
    if (!inputs.host.sets_mount_attributes())
        return fail(Kind::unsupported, "config.json: ", pointer, ": without a mount namespace a mount ",
                    inputs.host.needs_kernel(5, 14));
    return {};
}

Tree open_shared_root(TimelineBuilder& timeline, const spec::Spec& spec, const MountInputs& inputs) {
    Tree root{.slot = timeline.slot()};
    timeline.host(plan::OpenRoot{inputs.root, root.slot, binds_root(spec, inputs)}, "/root/path");
    return root;
}

}  // namespace

bool binds_root(const spec::Spec& spec, const MountInputs& inputs) {
    return !pointer_to_mounts(spec, inputs).empty();
}

Result<Trees> plan_trees(TimelineBuilder& timeline, const spec::ValidSpec& spec, const MountInputs& inputs) {
    Trees trees;
    LET(trees.overlay, read_overlay(*spec, inputs.overlay_grants));
    if (trees.overlay) TRY(check_overlay(*trees.overlay, *spec, inputs.host));
    Cloner clone(timeline, inputs.clones_inside, inputs.host);
    if (!inputs.own_mounts) {
        TRY(check_shared_mounts(*spec, inputs, trees.overlay));
        trees.root = open_shared_root(timeline, *spec, inputs);
    } else if (!trees.overlay)
        trees.root = clone({inputs.root, true, {}, root_propagation(*spec), {}}, "/root/path");
    Finder find(timeline, *spec, inputs, clone);
    for (std::size_t i = 0; i < spec->mounts.size(); ++i) {
        LET(PlannedMount planned, find(spec->mounts[i], mount_pointer(i)));
        trees.mounts.push_back(std::move(planned));
    }
    LET(trees.devices, plan_device_trees(clone, *spec, inputs, dev_is_bound(*spec, trees)));
    trees.inner = std::move(clone).inner();
    return trees;
}

}  // namespace bulkhead::rootfs
