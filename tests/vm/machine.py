# SPDX-License-Identifier: Apache-2.0
"""A guest: a throw-away virtual machine that runs one command as root and is gone."""

import dataclasses
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import time

import cache

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
CACHE = cache.TOP / "vm"
KERNELS = ("6.1", "5.10", "6.12")  # Debian 12's; Debian 11's, the oldest that bulkhead runs on; Debian 13's
OUT_OF_TIME, GUEST_DIED, SKIPPED = 124, 125, 77
TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "modprobe": "kmod", "cpio": "cpio", "xz": "xz-utils", "zstd": "zstd",
         "mkfs.ext4": "e2fsprogs", "busybox": "busybox-static"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# mitigations, KASLR and timers cost emulated time; cgroup v1 is off, so that every controller is in the v2 tree. The TSC
# is not the clock: measured on a busy machine while booting, it once went two and a half times too fast.
COMMAND_LINE = ("console=ttyS0 quiet loglevel=3 panic=-1 reboot=t mitigations=off nopti nokaslr random.trust_cpu=on "
                "no_timer_check clocksource=hpet tsc=unstable audit=0 nowatchdog 8250.nr_uarts=1 net.ifnames=0 "
                "cgroup_no_v1=all apparmor=1 security=apparmor")
SYSTEMD = ("systemd.unit=vm.target systemd.unified_cgroup_hierarchy=1 systemd.show_status=0 systemd.log_level=notice "
           "systemd.default_timeout_start_sec=300 TERM=dumb")


@dataclasses.dataclass(frozen=True)
class Guest:
    command: tuple
    kernel: str = KERNELS[0]
    systemd: bool = False
    cpus: int = 1
    memory: int = 3072   # MiB
    timeout: int = 1400  # seconds, boot included
    root: str = "/"      # the directory of this machine that is the guest's root


@dataclasses.dataclass(frozen=True)
class Ending:
    status: int    # the command's, or OUT_OF_TIME or GUEST_DIED
    times: tuple   # of boot, command and power-off; empty where the guest did not get that far
    console: str

    @property
    def reason(self):
        """Why the status is not the command's; empty where it is."""
        return "" if self.times else {OUT_OF_TIME: "out of time", GUEST_DIED: "the guest died"}[self.status]


def missing(kernels):
    """The reason why these kernels cannot be booted here, or None. Fetches what can be fetched."""
    if os.geteuid() != 0:
        return "must run as root, or the guest's root cannot read this machine's files"
    packages = [package for tool, package in TOOLS.items() if not shutil.which(tool, path=PATH)]
    if packages:
        return f"no {', '.join(packages)}: scripts/install-packages vm"
    for kernel in kernels:
        done = subprocess.run([HERE / "prepare", CACHE / kernel, kernel], stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            return f"no kernel {kernel} to boot: {' '.join(done.stderr.split())[-300:]}"
    return None


RUNNING = set()  # the guests' emulators


def stop():
    """Ends every guest of this process."""
    for process in list(RUNNING):
        process.kill()


def run(guest, output=None):
    """Boots, waits for the end, cleans up. The command's output goes to `output` as it comes; None: to stdout."""
    with tempfile.TemporaryDirectory(prefix="bulkhead-vm-", dir="/var/tmp") as job:
        return boot(guest, pathlib.Path(job), output)


def settle(guest, job):
    """Fills the directory that host and guest share, and makes the disk."""
    share = job / "share"
    share.mkdir()
    for name in ("start", "start-systemd", "command-and-off"):
        shutil.copy(HERE / "guest" / name, share / name)
    modules = CACHE / guest.kernel / "kernel/lib/modules"
    (share / "settings").write_text(f"project={shlex.quote(str(PROJECT))}\nmodules={shlex.quote(str(modules))}\n"
                                    f"init={'systemd' if guest.systemd else 'none'}\nroot={shlex.quote(guest.root)}\n")
    (share / "command").write_text(
        f"export PATH={PATH} HOME=/root TERM=dumb LANG=C.UTF-8 BULKHEAD_VM=1\nunset VM_OUTPUT\n"
        f"cd {shlex.quote(os.getcwd())} || cd /\nexec {shlex.join(guest.command)}\n")
    disk = job / "scratch.img"
    with open(disk, "wb") as file:
        file.truncate(8 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal,^metadata_csum", "-m0", "-i", "32768",
                    "-E", "lazy_itable_init=1,root_owner=0:0", disk], check=True)
    return share


def qemu(guest, job):
    """The emulator's command line. TCG and Nehalem on purpose: nested KVM may hang, and richer CPUs of QEMU 7.2 do."""
    files = CACHE / guest.kernel
    return [
        "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
        "-M", "q35,usb=off,vmport=off,smbus=off,sata=off", "-accel", "tcg,thread=multi,tb-size=512",
        "-cpu", "Nehalem", "-smp", str(guest.cpus), "-m", str(guest.memory),
        "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
        "-kernel", f"{files}/vmlinux", "-initrd", f"{files}/initramfs",
        "-append", " ".join([COMMAND_LINE, f"vm.root={guest.root}", *([SYSTEMD] if guest.systemd else [])]),
        "-chardev", f"file,id=console,path={job}/console", "-serial", "chardev:console",
        "-device", "virtio-serial-pci", "-chardev", "stdio,id=output,signal=off",
        "-device", "virtserialport,chardev=output,name=vm.output",
        "-drive", f"file={job}/scratch.img,format=raw,if=none,id=disk,cache=unsafe",
        "-device", "virtio-blk-pci,drive=disk",
        "-fsdev", f"local,id=job,path={job}/share,security_model=none",
        "-device", "virtio-9p-pci,fsdev=job,mount_tag=job",
        "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=root,mount_tag=root", "-device", "virtio-rng-pci"]


def boot(guest, job, output):
    share = settle(guest, job)
    # At the end of its stdin QEMU closes the output port, and the guest's next write blocks: a pipe that never ends.
    silence, keep_open = os.pipe()
    begin = time.time()
    process = subprocess.Popen(qemu(guest, job), stdin=silence, stdout=output, pass_fds=[keep_open])
    RUNNING.add(process)
    try:
        code = process.wait(guest.timeout)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        process.kill()
        process.wait()
        RUNNING.remove(process)
        os.close(silence)
        os.close(keep_open)
    console = (job / "console").read_text(errors="replace") if (job / "console").exists() else ""
    end, status = time.time(), share / "status"
    if not status.exists():
        return Ending(OUT_OF_TIME if code is None else GUEST_DIED, (), console)
    ready, done = (share / "booted").stat().st_mtime, status.stat().st_mtime
    return Ending(int(status.read_text()), (ready - begin, done - ready, end - done), console)
