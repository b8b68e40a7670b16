// SPDX-License-Identifier: Apache-2.0
// The root as an overlay, made in the container's own mount namespace and gone with it. The kernel gets its
// layers as descriptors, by their names in /proc/self/fd: no path of the host is walked twice, and mountinfo
// inside the container shows none.
#include <asm/errno.h>
#include <linux/magic.h>

#include "base/resolve.hpp"
#include "rootfs/in_root.hpp"
#include "rootfs/init_ops.hpp"

namespace bulkhead::rootfs {

using plan::Outcome;
using plan::outcome;
using plan::StageContext;

namespace {

constexpr std::size_t page = 4096;          // what mount(2) takes as data, its NUL included
constexpr std::uint32_t layer_limit = 500;  // OVL_MAX_STACK
constexpr unsigned mode_bits = 01777, any_mode = 0755, private_mode = 0700;
constexpr const char* source = "overlay";

// Text in a buffer of its own; a text that does not fit is an error and never cut.
template <std::size_t capacity>
class Line {
  public:
    Line& add(const char* text) {
        for (; *text != '\0'; ++text) add(*text);
        return *this;
    }
    Line& add(long number) {
        char digits[20];
        std::size_t count = 0;
        do {
            digits[count++] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number > 0);
        while (count > 0) add(digits[--count]);
        return *this;
    }
    bool fits() const { return size_ < capacity; }
    const char* text() const { return bytes_; }

  private:
    void add(char byte) {
        if (size_ < capacity - 1)
            bytes_[size_++] = byte;
        else
            size_ = capacity;
    }

    char bytes_[capacity] = {};
    std::size_t size_ = 0;
};

class Name {
  public:
    explicit Name(int descriptor) { digits_.add(long{descriptor}); }
    const char* text() const { return digits_.text(); }

  private:
    Line<12> digits_;
};

// The directories of an upper layer, and the tmpfs of a throw-away one; -1: none.
struct Upper {
    int scratch = -1, upper = -1, work = -1;

    Upper() = default;
    Upper(const Upper&) = delete;
    Upper& operator=(const Upper&) = delete;
    ~Upper() {
        const int all[] = {scratch, upper, work};
        for (const int fd : all)
            if (fd >= 0) raw::close(fd);
    }
};

// The pair at `index`: an allowed directory, which the administrator named, and what must resolve beneath it:
// a link that leads out of it is refused (EXDEV).
long open_layer(const StageContext& stage, plan::Texts pairs, std::uint32_t index) {
    const raw::Handle allowed(
        raw::openat(AT_FDCWD, stage.arena.text(pairs, 2 * index), O_PATH | O_DIRECTORY));
    if (allowed.number() < 0) return allowed.number();
    return raw::open_below(allowed.number(), stage.arena.text(pairs, 2 * index + 1), O_PATH | O_DIRECTORY,
                           RESOLVE_BENEATH);
}

// From here on a descriptor's number is a path. The stage's /proc is still the host's.
Outcome enter_descriptors() {
    const raw::Handle directory(raw::openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY));
    ATTEMPT(directory.number(), openat);
    const long type = raw::filesystem_type(directory.number());
    ATTEMPT(type, check);
    if (type != PROC_SUPER_MAGIC) return {ENODEV, plan::Call::check};
    return outcome(raw::call(__NR_fchdir, long{directory.number()}), plan::Call::fchdir);
}

Outcome make_directory(int parent, const char* name, unsigned mode, int& made) {
    ATTEMPT(raw::call(__NR_mkdirat, long{parent}, name, long{mode}), mkdirat);
    const long fd = raw::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    ATTEMPT(fd, openat);
    made = static_cast<int>(fd);
    return {};
}

// The root of an overlay looks like its upper directory, so that one takes mode and owner of the topmost
// layer. If the user namespace does not have the owner (EINVAL), it is left out.
Outcome make_upper(const StageContext& stage, const plan::MountOverlay& op, Upper& made) {
    const raw::Handle top(open_layer(stage, op.lower, 0));
    ATTEMPT(top.number(), openat2);
    struct statx status {};
    ATTEMPT(raw::statx(top.number(), &status), fstat);
    if (const Outcome upper = make_directory(made.scratch, "upper", status.stx_mode & mode_bits, made.upper);
        !upper)
        return upper;
    const long owned = raw::call(__NR_fchownat, long{made.upper}, "", long{status.stx_uid},
                                 long{status.stx_gid}, long{AT_EMPTY_PATH});
    if (owned != -EINVAL) ATTEMPT(owned, fchown);
    return make_directory(made.scratch, "work", private_mode, made.work);
}

Outcome open_upper(const StageContext& stage, const plan::MountOverlay& op, Upper& opened) {
    if (op.upper.count == 0) return make_upper(stage, op, opened);
    const long upper = open_layer(stage, op.upper, 0);
    ATTEMPT(upper, openat2);
    opened.upper = static_cast<int>(upper);
    const long work = open_layer(stage, op.upper, 1);
    ATTEMPT(work, openat2);
    opened.work = static_cast<int>(work);
    return {};
}

// index=off, because a kept upper may come back with other layers or from another place, which the index
// would refuse.
Outcome configure(int context, const plan::MountOverlay& op, const Upper& upper) {
    ATTEMPT(raw::fsconfig(context, FSCONFIG_SET_STRING, "source", source), fsconfig);
    ATTEMPT(raw::fsconfig(context, FSCONFIG_SET_STRING, "index", "off"), fsconfig);
    if (op.user_xattr != 0)
        ATTEMPT(raw::fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", nullptr), fsconfig);
    if (upper.upper < 0) return {};
    ATTEMPT(raw::fsconfig(context, FSCONFIG_SET_STRING, "upperdir", Name(upper.upper).text()), fsconfig);
    return outcome(raw::fsconfig(context, FSCONFIG_SET_STRING, "workdir", Name(upper.work).text()),
                   plan::Call::fsconfig);
}

// A string of fsconfig(2) has 256 bytes at most; with lowerdir+ (6.7) each layer is one of its own.
Outcome mount_by_parameter(const StageContext& stage, const plan::MountOverlay& op, const Upper& upper,
                           int& root) {
    const raw::Handle context(raw::call(__NR_fsopen, "overlay", long{FSOPEN_CLOEXEC}));
    ATTEMPT(context.number(), fsopen);
    if (const Outcome configured = configure(context.number(), op, upper); !configured) return configured;
    for (std::uint32_t i = 0; i < op.lower.count / 2; ++i) {
        const raw::Handle layer(open_layer(stage, op.lower, i));
        ATTEMPT(layer.number(), openat2);
        ATTEMPT(
            raw::fsconfig(context.number(), FSCONFIG_SET_STRING, "lowerdir+", Name(layer.number()).text()),
            fsconfig);
    }
    ATTEMPT(raw::fsconfig(context.number(), FSCONFIG_CMD_CREATE, nullptr, nullptr), fsconfig);
    const long mount = raw::call(__NR_fsmount, long{context.number()}, long{FSMOUNT_CLOEXEC}, 0L);
    ATTEMPT(mount, fsmount);
    root = static_cast<int>(mount);
    return {};
}

// Every layer stays open until the mount is made. 500 of them are no more than 2.5 KB of text.
struct Layers {
    int fds[layer_limit];
    std::uint32_t count = 0;

    Layers() = default;
    Layers(const Layers&) = delete;
    Layers& operator=(const Layers&) = delete;
    ~Layers() {
        for (std::uint32_t i = 0; i < count; ++i) raw::close(fds[i]);
    }
};

Outcome mount_by_text(const StageContext& stage, const plan::MountOverlay& op, const Upper& upper,
                      int& root) {
    Layers layers;
    Line<page> line;
    line.add("index=off,lowerdir=");
    for (std::uint32_t i = 0; i < op.lower.count / 2 && i < layer_limit; ++i) {
        const long layer = open_layer(stage, op.lower, i);
        ATTEMPT(layer, openat2);
        layers.fds[layers.count++] = static_cast<int>(layer);
        line.add(i == 0 ? "" : ":").add(layer);
    }
    if (op.user_xattr != 0) line.add(",userxattr");
    if (upper.upper >= 0)
        line.add(",upperdir=").add(long{upper.upper}).add(",workdir=").add(long{upper.work});
    if (!line.fits()) return {E2BIG, plan::Call::mount};
    int place = -1;
    if (const Outcome made = make_directory(upper.scratch, "merged", any_mode, place); !made) return made;
    const raw::Handle target(place);
    ATTEMPT(raw::call(__NR_mount, source, Name(place).text(), "overlay", 0L, line.text()), mount);
    const raw::Handle merged(raw::openat(upper.scratch, "merged", O_PATH | O_DIRECTORY | O_NOFOLLOW));
    ATTEMPT(merged.number(), openat);
    const long clone = raw::clone_tree(merged.number(), false);
    ATTEMPT(clone, open_tree);
    root = static_cast<int>(clone);
    return {};
}

bool is_writable(const plan::MountOverlay& op) { return op.upper.count != 0 || op.size.size != 0; }

// The kernel refuses a read-only overlay of one layer. The root is that layer then, read-only.
bool is_a_single_layer(const plan::MountOverlay& op) { return !is_writable(op) && op.lower.count == 2; }

Outcome clone_layer(const StageContext& stage, const plan::MountOverlay& op, int& root) {
    const raw::Handle layer(open_layer(stage, op.lower, 0));
    ATTEMPT(layer.number(), openat2);
    const long clone = raw::clone_tree(layer.number(), false);
    ATTEMPT(clone, open_tree);
    root = static_cast<int>(clone);
    return {};
}

Outcome mount_layers(const StageContext& stage, const plan::MountOverlay& op, int& root) {
    const bool writable = is_writable(op), by_text = op.by_parameter == 0;
    if (is_a_single_layer(op)) return clone_layer(stage, op, root);
    if (const Outcome entered = enter_descriptors(); !entered) return entered;
    Upper upper;
    // The kernel takes no layer that is not attached in the namespace (CVE-2021-3732), and mount(2) needs a
    // place of its own, whatever is above the layers.
    if (op.size.size != 0 || by_text) {
        const char* size = op.size.size != 0 ? stage.arena.text(op.size) : "64k";
        if (const Outcome covered = cover_root(size, upper.scratch); !covered) return covered;
    }
    if (writable)
        if (const Outcome opened = open_upper(stage, op, upper); !opened) return opened;
    const Outcome mounted =
        by_text ? mount_by_text(stage, op, upper, root) : mount_by_parameter(stage, op, upper, root);
    return mounted && upper.scratch >= 0 ? uncover_root(upper.scratch) : mounted;  // the overlay holds it
}

}  // namespace

Outcome apply(StageContext& stage, const plan::MountOverlay& op) {
    if (const Outcome mounted = mount_layers(stage, op, stage.root); !mounted) return mounted;
    Change change;
    if (is_a_single_layer(op)) change.attributes.set = MOUNT_ATTR_RDONLY;
    if (const Outcome attached = attach_root(stage, op.place, change, true); !attached) return attached;
    return outcome(raw::call(__NR_fchdir, long{stage.root}), plan::Call::fchdir);
}

}  // namespace bulkhead::rootfs
