"""An Asterisk and a SIPp that can be run: the private ones unpacked below `var/`, or the system's own.

The private tree has its own C library and is started through its own loader. It neither needs nor changes anything that
is installed on the machine.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from common.command_line import Refusal
from common.places import Places
from lab.debian import tree as trees
from lab.debian.download import Report
from lab.debian.tree import MACHINE_MIRROR, Kind, Source, Stamp

OLDEST = 18  # the oldest system Asterisk that can run the dialplan

ROOTS = (
    "asterisk",
    "asterisk-modules",
    "asterisk-core-sounds-en-gsm",  # what Asterisk plays when a language lacks a sound
    "asterisk-core-sounds-it-wav",
    "asterisk-moh-opsound-wav",
    "sip-tester",
    "libfaketime",
)
# asterisk-modules depends on the libraries of all its 300 modules (databases, LDAP, Jack...); these are the libraries
# of the modules that we load, and of SIPp. `_try_out` notices when one is missing.
LIBRARIES = re.compile(
    r"libc6|libgcc-s1|libstdc\+\+6|libcap2|libcrypt1|libedit2|libjansson4|libsqlite3-0|libssl3\w*|libsystemd0"
    r"|liburiparser1|libuuid1|libxml2(-\d+)?|libxslt1\.1|libgsm1|libbsd0|libmd0|libtinfo6|libzstd1|zlib1g"
    r"|libcurl4\w*(-none)?|libgsl\d+|libgslcblas0|libpugixml1\w*|libpcap0\.8\w*|libdbus-1-3|libibverbs1|libnl-3-200"
    r"|libnl-route-3-200|libsctp1|libncursesw6|libncurses6|libcap-ng0|liblzma5"
)


@dataclass(frozen=True)
class Installation:
    """Programs that can be run, and the folders that come with them (absolute paths)."""

    tree: str  # "" for the system's own Asterisk
    asterisk_version: str  # "22.10.1"
    sounds: str
    moh: str
    modules: str
    share: str  # documentation/, rest-api/
    pcap: str  # dtmf_2833_*.pcap, for SIPp
    lines: Mapping[str, Sequence[str]]  # "asterisk", "sipp" -> how it is started
    faketime: str = ""  # the library that moves a clock

    @property
    def is_system(self) -> bool:
        return not self.tree

    def command(self, program: str, *, preload: Literal["faketime"] | None = None) -> list[str]:
        """The command line that starts "asterisk" or "sipp", without arguments; `preload` loads libfaketime first."""
        if program not in self.lines:
            raise Refusal(f"there is no {program} here; run `lab switch install`")
        *loader, path = self.lines[program]
        if preload and not (self.faketime and loader):
            raise Refusal("only the private switch's clock can be moved; `lab switch install`, and leave --system out")
        return [*loader, *(["--preload", self.faketime] if preload else []), path]


# With it, a switch that still runs can be stopped when its tree is gone.
NOT_INSTALLED = Installation("", "", "", "", "", "", "", {})


def installed(places: Places) -> Installation | None:
    """The private switch; None when it is missing, incomplete or of an older kind."""
    stamp = trees.read_stamp(places.tree, KIND)
    return None if stamp is None else _private(places.tree, stamp)


def install(places: Places, source: Source = MACHINE_MIRROR, *, report: Report = print) -> Installation:
    """Obtain Asterisk, SIPp, Italian digits and music into `places.tree`; see `lab.debian.tree.install`."""
    check_path(places.tree)
    return _private(places.tree, trees.install(places, places.tree, KIND, source, report))


def system_installation(places: Places) -> Installation:
    """The machine's own Asterisk, when it is new enough; SIPp from the machine or from the private tree."""
    path = shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        raise Refusal("no Asterisk is installed on this machine; install one, or leave --system out")
    version = asterisk_version([path])
    if int(version.split(".")[0]) < OLDEST:
        raise Refusal(
            f"{path} is Asterisk {version}; {OLDEST} or newer is needed (older ones lack what the dialplan uses). "
            "Upgrade it, or leave --system out to run the private one"
        )
    prefix = os.path.dirname(os.path.dirname(path))
    modules = _first(
        f"{prefix}/lib/*/asterisk/modules", f"{prefix}/lib64/asterisk/modules", f"{prefix}/lib/asterisk/modules"
    )
    share = _first(f"{prefix}/share/asterisk", "/var/lib/asterisk")
    if not modules or not share:
        raise Refusal(f"{path}: its modules or its share/asterisk are not below {prefix}; leave --system out")
    private = installed(places) or NOT_INSTALLED
    sipp = shutil.which("sipp")
    lines = {**private.lines, "asterisk": [path]}
    return Installation(
        tree="",
        asterisk_version=version,
        sounds=_first(f"{share}/sounds", "/var/lib/asterisk/sounds") or f"{share}/sounds",
        moh=_first(f"{share}/moh", "/var/lib/asterisk/moh") or f"{share}/moh",
        modules=modules,
        share=share,
        pcap=private.pcap or _first("/usr/share/sip-tester") or "",
        lines=lines if private.lines or not sipp else {**lines, "sipp": [sipp]},
    )


def asterisk_version(command: list[str]) -> str:
    """ "22.10.1" from `asterisk -V`."""
    try:
        outcome = subprocess.run([*command, "-V"], capture_output=True, text=True, errors="replace", check=False)
    except OSError as problem:
        raise Refusal(f"{command[0]}: {problem.strerror}; it cannot be run") from None
    found = re.search(r"Asterisk (?:certified[/-])?(\d+(?:\.\d+)*)", outcome.stdout)
    if not found:
        output = (outcome.stderr or outcome.stdout).strip() or f"exit status {outcome.returncode}"
        raise Refusal(f"{command[-1]} -V: prints no version ({output})")
    return found[1]


def check_path(tree: str) -> None:
    """Refuse a path that can be quoted neither in the loader's list nor in Asterisk's configuration."""
    if bad := sorted(set(tree) & set(":;\n")):
        raise Refusal(f"{tree}: a folder with {bad[0]!r} in its name cannot hold a switch; choose another with --var")


def _try_out(tree: str, stamp: Stamp) -> None:
    """Start both programs once, so that a missing library is noticed now, not on the first call."""
    stamp["asterisk"] = asterisk_version(_private(tree, {**stamp, "asterisk": "?"}).command("asterisk"))
    sipp = _private(tree, stamp).command("sipp")
    outcome = subprocess.run([*sipp, "-v"], capture_output=True, text=True, check=False)
    if "SIPp" not in outcome.stdout:
        raise Refusal(f"the SIPp of this suite does not start ({outcome.stderr.strip()}); name another with --suite")


def _private(tree: str, stamp: Stamp) -> Installation:
    share = os.path.join(tree, "usr", "share", "asterisk")
    lib = os.path.join(tree, "usr", "lib", stamp["triplet"])
    loader = [os.path.join(lib, stamp["loader"]), "--library-path", f"{lib}:{lib}/asterisk"]
    programs = {
        "asterisk": os.path.join(tree, "usr", "sbin", "asterisk"),
        "sipp": os.path.join(tree, "usr", "bin", "sipp"),
    }
    return Installation(
        tree=tree,
        asterisk_version=stamp["asterisk"],
        sounds=os.path.join(share, "sounds"),
        moh=os.path.join(share, "moh"),
        modules=os.path.join(lib, "asterisk", "modules"),
        share=share,
        pcap=os.path.join(tree, "usr", "share", "sip-tester"),
        lines={name: (*loader, "--argv0", name, path) for name, path in programs.items()},
        faketime=os.path.join(lib, "faketime", "libfaketimeMT.so.1"),
    )


def _summary(stamp: Stamp) -> str:
    sipp = re.sub(r"[-+~].*", "", stamp["packages"]["sip-tester"].partition(":")[2] or stamp["packages"]["sip-tester"])
    return f"Asterisk {stamp['asterisk']} and SIPp {sipp} (Debian {stamp['suite']}, signature {stamp['signature']})"


KIND = Kind("Asterisk 22 LTS and SIPp", ROOTS, LIBRARIES, 1, _try_out, _summary)


def _first(*patterns: str) -> str | None:
    return next((path for pattern in patterns for path in sorted(glob.glob(pattern))), None)
