# SPDX-License-Identifier: Apache-2.0
"""E15 to E17: a working directory or a program that is reached through somebody's descriptor. (exec:
test_exec.py.)"""

import pytest

from harness import Failure, equal, true
from marks import attacker, parametrize
from world import leaked, link, strike

NUMBERS = [*range(24), 255], range(256), range(3, 10)  # usually, with --long, with a control
HOST_PROGRAM = "/usr/bin/busybox"  # not in the image, which has /bin/busybox


def stays_inside(t, box, **options):
    """Refused, or the program is in a directory below the container's root."""
    result = strike(t, box, **options)
    if result.code == 0 and result.out.strip() not in ("/", "/dev/pts", "/proc", "/inside"):
        raise Failure(f"the program runs outside: {result}")
    return result


@attacker("A1")
@pytest.mark.timeout(300)
@parametrize("directory", ["/proc/self/fd", "/proc/thread-self/fd", "/proc/1/fd"])
def test_E15_cwd_is_a_descriptor(t, directory):
    """cwd is /proc/*/fd/N of any descriptor that the runtime might have open (CVE-2024-21626), straight, with dots
    after it, and through a link of the image."""
    for number in t.rounds(*NUMBERS):
        for cwd in (f"{directory}/{number}", f"{directory}/{number}/../../.."):
            stays_inside(t, t.container("pwd", cwd=cwd))
    bundle = t.bundle("pwd", cwd="/way")
    for number in (3, 4, 5, 6, 7, 8):
        link(bundle.rootfs / "way", f"{directory}/{number}")
        stays_inside(t, t.container(bundle=bundle))


@attacker("A1")
@pytest.mark.timeout(300)
@parametrize("_", ["/proc/self/fd"])
def test_E15_harmless_cwd_is_a_directory(t, _):
    """A directory, and a link to one, are fine."""
    bundle = t.bundle("pwd", cwd="/inside")
    (bundle.rootfs / "inside").mkdir()
    equal(t.container(bundle=bundle).run().exits(0).out, "/inside\n", "pwd")


LEAKS = [("straight", "/proc/self/fd/9"), ("below", "/proc/self/fd/9/inner"), ("up", "/proc/self/fd/9/.."),
         ("link", "/way"), ("link below", "/way/inner"), ("missing", "/proc/self/fd/9/made")]


def with_leak(t, box, *flags):
    """Runs while the caller leaks the canary's directory on descriptors 3 to 9."""
    with leaked(t.can.path, *range(3, 10)) as numbers:
        return strike(t, box, *flags, pass_fds=numbers)


def leaking_bundle(t, cwd):
    bundle = t.bundle("sh", "-c", "pwd; ls", cwd=cwd)
    link(bundle.rootfs / "way", "/proc/self/fd/9")
    return bundle


@attacker("A5")
@parametrize("_, cwd", LEAKS)
def test_E16_cwd_is_leaked_by_the_caller(t, _, cwd):
    """The caller leaks a directory of the host on descriptor 9, cwd names it: refused, or at least not there."""
    result = with_leak(t, t.container(bundle=leaking_bundle(t, cwd)))
    true("known" not in result.out, f"the program runs outside: {result}")


@attacker("A5")
@parametrize("*_", LEAKS[:1])
def test_E16_harmless_cwd_beside_a_leak(t, _):
    """The same leak does no harm to a container with a plain cwd."""
    equal(with_leak(t, t.container("pwd")).out, "/\n", "pwd")


@attacker("A5")
@parametrize("_, cwd", LEAKS)
def test_E16_cwd_is_a_preserved_descriptor(t, _, cwd):
    """The same with a directory that --preserve-fds hands over on purpose: it is no working directory all the same."""
    result = with_leak(t, t.container(bundle=leaking_bundle(t, cwd)), "--preserve-fds", "7")
    true("known" not in result.out, f"the program runs outside: {result}")


@attacker("A5")
@parametrize("*_", LEAKS[:1])
def test_E16_harmless_preserved_descriptor_is_there(t, _):
    """The program has the preserved descriptor, and may use it: that is what was asked for."""
    box = t.container("ls", "/proc/self/fd/9/")
    true("known" in with_leak(t, box, "--preserve-fds", "7").out.split(), "the preserved directory is not there")


def no_host_program(t, *args, bundle=None):
    """No program of the host speaks."""
    box = t.container(bundle=bundle) if bundle else t.container(*args)
    result = strike(t, box)
    true("HOST" not in result.out, f"a program of the host ran: {result}")
    return result


@attacker("A1")
@pytest.mark.timeout(300)
@parametrize("directory", ["/proc/self/fd", "/proc/thread-self/fd", "/proc/1/fd"])
def test_E17_program_by_descriptor(t, directory):
    """args[0] goes through any descriptor of the runtime, up and down to a program of the host."""
    for number in t.rounds(*NUMBERS):
        no_host_program(t, f"{directory}/{number}/../../../../..{HOST_PROGRAM}", "echo", "HOST")
        no_host_program(t, f"{directory}/{number}", "echo", "HOST")


@attacker("A1")
@pytest.mark.timeout(300)
@parametrize("_", ["/proc/self/fd"])
def test_E17_harmless_program_by_path(t, _):
    """A program by a way with dots and links works."""
    bundle = t.bundle("/way/../bin/busybox", "echo", "image")
    link(bundle.rootfs / "way", "/etc")
    equal(t.container(bundle=bundle).run().exits(0).out, "image\n", "stdout")


SELVES = ["/proc/self/exe", "/proc/1/exe", "/proc/thread-self/exe", "/proc/self/fd/3", "/proc/self/fd/4"]


@attacker("A1")
@parametrize("path", SELVES)
def test_E17_program_is_the_runtime(t, path):
    """args[0], a link of the image, or the interpreter of a script is the runtime's own program (CVE-2019-5736): it
    does nothing, and its file stays as it is."""
    true(strike(t, t.container(path, "--version")).code != 0, "the runtime ran")
    bundle = t.bundle("/way", "--version")
    link(bundle.rootfs / "way", path)
    true(strike(t, t.container(bundle=bundle)).code != 0, "the runtime ran through a link")
    bundle = t.bundle("/script", "--version").program("script", f"#!{path}\n")
    out = strike(t, t.container(bundle=bundle)).out
    true("version" not in out, f"the runtime ran as an interpreter: {out!r}")


@attacker("A1")
@parametrize("_", SELVES[:1])
def test_E17_harmless_program_is_a_script(t, _):
    """A script with an interpreter of the image works."""
    bundle = t.bundle("/script", "word").program("script", "#!/bin/echo read:\n")
    equal(t.container(bundle=bundle).run().exits(0).out, "read: /script word\n", "stdout")
