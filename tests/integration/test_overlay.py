# SPDX-License-Identifier: Apache-2.0
"""A root made of layers: the annotations run.bulkhead.overlay.*, the flags --overlay-from and --overlay-upper-from."""

import os
import shutil
import subprocess

from harness import absent, contains, equal, read_text, true
from marks import differs, needs, parametrize
from unprivileged import mapping, with_user_namespace

ONLY_HERE = "runc does not assemble a root file system"
PREFIX = "run.bulkhead.overlay."


def annotate(bundle, **values):
    return bundle.edit(lambda config: config.setdefault("annotations", {}).update(
        {PREFIX + name: value for name, value in values.items()}))


class Layers:
    """Two directories that the administrator allows: one of layers, with a busybox layer `base` in it, one of uppers."""

    def __init__(self, t, *program):
        self.path = t.scratch / "layers"
        self.path.mkdir()
        self.uppers = t.scratch / "uppers"
        self.uppers.mkdir()
        self.flags = ("--overlay-from", self.path, "--overlay-upper-from", self.uppers)
        self.bundle = t.bundle(*program).writable()
        self.bundle.rootfs.rename(self.path / "base")
        for name in ("sys", "dev", "proc"):
            (self.path / "base" / name).mkdir(exist_ok=True)

    def add(self, layer_name, **files):
        layer = self.path / layer_name
        layer.mkdir()
        for file, text in files.items():
            (layer / file).write_text(text)
        return layer

    def kept(self, **files):
        """An upper directory with `files` in it and its work directory; the annotations that name them."""
        for name in ("upper", "work"):
            (self.uppers / name).mkdir()
        for file, text in files.items():
            (self.uppers / "upper" / file).write_text(text)
        return {name: str(self.uppers / name) for name in ("upper", "work")}

    def stack(self, *names):
        return ":".join(str(self.path / name) for name in names)

    def run(self, t, names=("base",), flags=None, setup=None, **annotations):
        annotate(self.bundle, lower=self.stack(*names), **annotations)
        flags = self.flags if flags is None else flags
        return t.container(bundle=self.bundle).run(*flags, setup=setup)


@differs(ONLY_HERE)
def test_upper_layers_win(t):
    """Of two layers with the same file the first named is seen, and the bundle needs no root of its own."""
    layers = Layers(t, "sh", "-c", "cat /name; cat /only-below")
    layers.add("top", name="top\n")
    (layers.path / "base/name").write_text("base\n")
    (layers.path / "base/only-below").write_text("below\n")
    equal(layers.run(t, ["top", "base"]).ok().out, "top\nbelow\n", "stdout")
    true(not layers.bundle.rootfs.exists(), "somebody made the bundle's root")


@differs(ONLY_HERE)
def test_what_is_written_is_thrown_away(t):
    """Without an upper directory the program may write, and the layers stay as they are."""
    layers = Layers(t, "sh", "-c", "echo x > /etc/made; rm /etc/group; cat /etc/made; ls /etc")
    before = sorted(os.listdir(layers.path / "base/etc"))
    equal(layers.run(t).ok().out.split(), ["x", "made", "passwd"], "stdout")
    equal(sorted(os.listdir(layers.path / "base/etc")), before, "the layer")


@differs(ONLY_HERE)
def test_the_size_of_what_is_thrown_away_is_a_limit(t):
    """run.bulkhead.overlay.size limits the throw-away upper."""
    layers = Layers(t, "sh", "-c", "dd if=/dev/zero of=/f bs=1k count=500 2>/dev/null && dd if=/dev/zero of=/g bs=1k "
                                   "count=2000")
    contains(layers.run(t, size="1m").exits(1).err, "No space left", "stderr")


@differs(ONLY_HERE)
def test_a_kept_upper_is_kept(t):
    """With upper and work what is written is in the upper directory, and the next container finds it."""
    layers = Layers(t, "sh", "-c", "cat /kept; echo again > /kept; rm -f /etc/group; ls /etc")
    places = layers.kept(kept="first\n")
    equal(layers.run(t, **places).ok().out.split(), ["first", "passwd"], "the first container")
    equal(read_text(layers.uppers / "upper/kept"), "again\n", "the upper directory")
    equal(layers.run(t, **places).ok().out.split(), ["again", "passwd"], "the second container")
    true((layers.path / "base/etc/group").exists(), "the layer below lost a file")


@differs(ONLY_HERE)
@parametrize("count", ["one layer", "two layers"])
def test_read_only_without_an_upper(t, count):
    """With root.readonly and no upper directory nothing can be written, and nothing is mounted for it."""
    layers = Layers(t, "sh", "-c", "grep ' / / ' /proc/self/mountinfo; cat /etc/group; echo x > /x")
    layers.bundle.edit(lambda config: config["root"].update(readonly=True))
    layers.add("top")
    result = layers.run(t, ["base"] if count == "one layer" else ["top", "base"]).exits(1)
    contains(result.err, "Read-only file system", "stderr")
    contains(result.out, "bob", "stdout")


@differs(ONLY_HERE)
def test_more_than_a_hundred_layers(t):
    """120 layers are stacked in their order."""
    layers = Layers(t, "sh", "-c", "cat /which; ls / | grep -c '^f'")
    names = [f"a-layer-with-a-name-of-some-length-{number:03}" for number in range(119)]
    for number, name in enumerate(names):
        layers.add(name, which=f"{number}\n", **{f"f{number}": ""})
    equal(layers.run(t, [*names, "base"]).ok().out, "0\n119\n", "stdout")


@differs(ONLY_HERE)
def test_whiteouts_and_opaque_directories_hide(t):
    """A whiteout hides the file below it, an opaque directory all that is below."""
    layers = Layers(t, "sh", "-c", "ls /etc /home; true")
    top = layers.add("top")
    (top / "etc").mkdir()
    os.mknod(top / "etc/group", 0o600 | 0o020000, os.makedev(0, 0))
    (top / "home").mkdir()
    os.setxattr(top / "home", "trusted.overlay.opaque", b"y")
    (layers.path / "base/home/hidden").write_text("")
    equal(layers.run(t, ["top", "base"]).ok().out.split(), ["/etc:", "passwd", "/home:"], "listing")


@differs(ONLY_HERE)
def test_the_host_sees_nothing_of_it(t):
    """While the container runs the host's mount table is what it was; nothing in the container names a host path."""
    layers = Layers(t, "sleep", "60")
    annotate(layers.bundle, lower=layers.stack("base"), size="1m")
    before = read_text("/proc/self/mountinfo")
    container = t.container(bundle=layers.bundle)
    container.run_detached("--overlay-from", layers.path).ok()
    equal(read_text("/proc/self/mountinfo"), before, "the host's mount table")
    inside = container.proc("mountinfo")
    absent(inside, str(layers.path), "the container's mount table")
    equal([line.split()[4] for line in inside.splitlines() if " - overlay " in line], ["/"], "overlays")
    absent("".join(container.descriptors().values()), str(layers.path), "the container's descriptors")
    equal(sum(" - tmpfs tmpfs " in line and line.split()[4] == "/" for line in inside.splitlines()), 0, "tmpfs on /")


@differs(ONLY_HERE)
def test_the_root_looks_like_the_topmost_layer(t):
    """Mode and owner of / are those of the first layer."""
    layers = Layers(t, "stat", "-c", "%a %u:%g", "/")
    os.chmod(layers.add("top"), 0o711)
    os.chown(layers.path / "top", 5, 6)
    equal(layers.run(t, ["top", "base"]).ok().out, "711 5:6\n", "stat")


@differs(ONLY_HERE)
def test_create_and_start_use_it_too(t):
    """create makes the overlay, start runs the program in it, state names the root of the bundle."""
    layers = Layers(t, "sh", "-c", "echo hello > /said; cat /said; sleep 60")
    annotate(layers.bundle, lower=layers.stack("base"))
    container = t.container(bundle=layers.bundle)
    container.create("--overlay-from", layers.path).ok()
    equal(container.state()["rootfs"], str(layers.bundle.rootfs), "rootfs")
    container.start().ok()


def linux():
    """The version of the kernel."""
    return tuple(int(number) for number in os.uname().release.split("-")[0].split(".")[:2])


def needs_overlays_of_users():
    return None if linux() >= (5, 11) else "overlays in a user namespace came with Linux 5.11"


def mapped_root(t, keep):
    """Root in a user namespace replaces a directory of its layers; returns the layers."""
    layers = Layers(t, "sh", "-c", "rm /etc/group && rm -r /home && mkdir /home && echo x > /home/new && ls /etc /home")
    os.chmod(t.scratch.parent, 0o711)
    os.chmod(t.scratch, 0o711)
    maps = [mapping(0, 100000, 65536)]
    with_user_namespace(layers.bundle, maps, maps)
    (layers.path / "base").rename(layers.path / "linked")  # to the files of every other case
    shutil.copytree(layers.path / "linked", layers.path / "base", symlinks=True)
    (layers.path / "base/home/old").write_text("")
    places = layers.kept() if keep else {}
    for path in (layers.path / "base", layers.uppers):
        subprocess.run(["chown", "-R", "100000:100000", path], check=True)
    equal(layers.run(t, **places).ok().out.split(), ["/etc:", "passwd", "/home:", "new"], "listing")
    true((layers.path / "base/home/old").exists(), "the layer lost a file")
    return layers


def needs_attributes_on_tmpfs():
    return None if linux() >= (6, 6) else "a tmpfs takes the marks of a user namespace (user.*) from Linux 6.6 on"


@differs(ONLY_HERE)
@needs(needs_attributes_on_tmpfs)
def test_a_user_namespace_may_throw_away(t):
    """Root inside changes what belongs to it; whiteouts and opaque directories work there as well."""
    mapped_root(t, keep=False)


@differs(ONLY_HERE)
@needs(needs_overlays_of_users)
def test_a_user_namespace_may_keep(t):
    """What root inside writes is in the kept upper directory."""
    layers = mapped_root(t, keep=True)
    true((layers.uppers / "upper/home/new").exists(), "nothing was kept")


@differs(ONLY_HERE)
def test_without_the_flag_it_is_refused(t):
    """The annotation alone gives nothing: the error says which flag is missing."""
    layers = Layers(t, "true")
    result = layers.run(t, flags=()).exits(1)
    contains(result.err, "/annotations/run.bulkhead.overlay.lower", "stderr")
    contains(result.err, "--overlay-from", "stderr")
    t.no_state()


@differs(ONLY_HERE)
def test_the_grant_of_layers_lets_nothing_be_written(t):
    """With --overlay-from alone an upper directory is refused, wherever it is, and the error says which flag is missing."""
    layers = Layers(t, "true")
    (layers.path / "u").mkdir()
    (layers.path / "w").mkdir()
    result = layers.run(t, flags=layers.flags[:2], upper=str(layers.path / "u"), work=str(layers.path / "w")).exits(1)
    contains(result.err, f'/annotations/run.bulkhead.overlay.upper: "{layers.path}/u": no directory is allowed for upper '
                         "and work directories; the flag --overlay-upper-from", "stderr")
    equal(os.listdir(layers.path / "u") + os.listdir(layers.path / "w"), [], "what was written")
    t.no_state()


REFUSED = [
    ("outside", {"lower": "/usr"}, "not below a directory"),
    ("a prefix is no parent", {"lower": "{layers}x/base"}, "not below a directory"),
    ("..", {"lower": "{layers}/../layers/base"}, "absolute path without .."),
    ("relative", {"lower": "layers/base"}, "absolute path without .."),
    ("a colon in a name", {"lower": "{layers}/a:b"}, "absolute path without .."),
    ("nothing", {"lower": ""}, "absolute path without .."),
    ("twice", {"lower": "{layers}/base:{layers}/base"}, "is the same as, or inside"),
    ("upper in upper", {"upper": "{uppers}/u", "work": "{uppers}/u/work"}, "is the same as, or inside"),
    ("upper outside", {"upper": "/usr", "work": "{uppers}/work"}, "not below a directory that --overlay-upper-from"),
    ("upper is a layer", {"upper": "{layers}/u", "work": "{uppers}/w"}, "not below a directory that --overlay-upper-from"),
    ("work is in a layer", {"upper": "{uppers}/u", "work": "{layers}/w"}, "not below a directory that --overlay-upper-from"),
    ("a layer of uppers", {"lower": "{uppers}/u"}, "not below a directory that --overlay-from"),
    ("upper without work", {"upper": "{uppers}/upper"}, "needs run.bulkhead.overlay.work"),
    ("size of a kept upper", {"upper": "{uppers}/u", "work": "{uppers}/w", "size": "1m"}, "thrown away"),
    ("size with more in it", {"size": "1m,mode=777"}, "must be a number of bytes"),
    ("unknown name", {"uper": "x"}, "there is no such annotation"),
]


@differs(ONLY_HERE)
@parametrize("name, annotations, reason", REFUSED)
def test_refused_as_text(t, name, annotations, reason):
    """What cannot be right is refused before anything is made, with the annotation's name."""
    layers = Layers(t, "true")
    values = {key: value.format(layers=layers.path, uppers=layers.uppers) for key, value in annotations.items()}
    annotate(layers.bundle, **{"lower": layers.stack("base"), **values})
    result = t.container(bundle=layers.bundle).run(*layers.flags).exits(1)
    contains(result.err, reason, f"stderr for {name}")
    contains(result.err, "/annotations/run.bulkhead.overlay.", "stderr")
    t.no_state()


LINKS = [("absolute", "/usr"), ("parent", "../outside"), ("magic", "/proc/self/cwd"),
         ("absolute to the inside", "{layers}/base"), ("from uppers to layers", "../layers/base")]


@differs(ONLY_HERE)
@parametrize("name, target", LINKS)
def test_a_link_out_of_the_allowed_directory_is_refused(t, name, target):
    """A link that leads out is refused when the layer is opened, as a layer and as an upper directory."""
    (t.scratch / "outside").mkdir()
    layers = Layers(t, "true")
    for as_upper in (False, True):
        link = (layers.uppers if as_upper else layers.path) / "link"
        link.symlink_to(target.format(layers=layers.path))
        (layers.uppers / "work").mkdir(exist_ok=True)
        more = {"upper": str(link), "work": str(layers.uppers / "work")} if as_upper else {}
        result = layers.run(t, ["base"] if as_upper else ["link", "base"], **more).exits(1)
        contains(result.err, "/annotations/run.bulkhead.overlay.", f"stderr for {name}")
        t.no_state()
    equal(os.listdir(t.scratch / "outside"), [], "outside")


@differs(ONLY_HERE)
def test_a_link_within_the_allowed_directory_is_followed(t):
    """Engines keep short links to their layers."""
    layers = Layers(t, "cat", "/etc/group")
    (layers.path / "short").mkdir()
    (layers.path / "short/L").symlink_to("../base")
    contains(layers.run(t, ["short/L"]).ok().out, "bob", "stdout")


@differs(ONLY_HERE)
def test_a_missing_layer_is_named(t):
    """The error names the layer that is not there."""
    layers = Layers(t, "true")
    result = layers.run(t, ["base", "gone"]).exits(1)
    contains(result.err, f"{layers.path}/gone", "stderr")
    contains(result.err, "/annotations/run.bulkhead.overlay.lower", "stderr")
    t.no_state()


@differs(ONLY_HERE)
def test_features_warns_of_the_annotations(t):
    """features lists them as potentially unsafe."""
    out = t.runtime("features").ok().out
    for name in ("lower", "size", "upper", "work"):
        contains(out.partition("potentiallyUnsafeConfigAnnotations")[2], f'"{PREFIX}{name}"', "features")
