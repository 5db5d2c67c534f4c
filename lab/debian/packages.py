"""Debian packages on any Linux: a signed index, packages checked against it, unpacked into a folder of our own.

The chain of trust is that of apt: a key of the keyring signs InRelease, which has the digest of the index, which has
the digests of the packages. No script of a package is run, and nothing outside the folder is written
(docs/decisions/0014-own-package-install.md).
"""

from __future__ import annotations

import io
import lzma
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from common.command_line import Refusal
from common.safe_files import write_file
from lab.debian.download import Meter, Missing, Report, fetch, is_full, is_whole, megabytes, no_space, read

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
VERIFIERS: dict[str, tuple[str, ...]] = {
    "gpgv": (),
    "sqv": ("--cleartext",),
}  # what apt itself uses, in older and newer Debian; and the options
FETCHERS = 4  # connections to the mirror at once

# Not needed: manual pages, translations and the like. Copyright files stay.
UNWANTED = re.compile(
    r"usr/share/(doc/(?![^/]+/copyright$)|man/|locale/|lintian/|bug/|perl/|doc-base/)|usr/lib/systemd/|etc/"
)


class Architecture(NamedTuple):
    """A processor architecture: Debian's name, the folder of libraries, the loader in it."""

    name: str
    triplet: str
    loader: str


ARCHITECTURES = {
    "x86_64": Architecture("amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "aarch64": Architecture("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}


def architecture(machine: str | None = None) -> Architecture:
    """This machine's, or the one that `uname -m` calls `machine`."""
    machine = machine or platform.machine()
    try:
        return ARCHITECTURES[machine]
    except KeyError:
        raise Refusal(
            f"this machine is {machine!r}; the private switch is made for {' and '.join(ARCHITECTURES)}. "
            "Install Asterisk 18 or newer with the system's package manager, and use --system"
        ) from None


class Package(NamedTuple):
    name: str
    version: str
    path: str  # below the mirror
    size: int  # bytes
    digest: str  # SHA-256
    installed_size: int  # bytes
    depends: tuple[str, ...]  # names only, every alternative

    @property
    def file(self) -> str:
        return os.path.basename(unquote(self.path))


class Mirror(NamedTuple):
    """A suite on a mirror; how its signature is checked, and where its files are cached."""

    url: str
    suite: str
    architecture: Architecture
    cache: str
    keyring: str = KEYRING
    verify: bool = True

    @property
    def signature(self) -> str:
        return "good" if self.verify else "NOT checked"

    def release(self, report: Report) -> str:
        """The signed text of InRelease; the cached one when the mirror cannot be reached."""
        kept = os.path.join(self.cache, f"InRelease-{self.suite}")
        url = f"{self.url}/dists/{self.suite}/InRelease"
        try:
            content = read(url)
        except Missing:
            raise
        except Refusal as problem:
            if not os.path.exists(kept):
                raise
            report(f"{problem}\n  continuing with the cached index")
            with open(kept, "rb") as file:
                content = file.read()
        text = signed_text(content, url, self.keyring) if self.verify else unchecked_text(content)
        write_file(kept, content)
        return text

    def paragraphs(self, report: Report) -> dict[str, str]:
        """The paragraphs of all packages by name, from the index whose digest is in InRelease."""
        path = f"main/binary-{self.architecture.name}/Packages.xz"
        release = self.release(report)
        date = re.search(r"^Date: (.*)$", release, re.M)
        report(f"{self.suite} of {date[1] if date else 'an unknown date'}, signature {self.signature}")
        found = re.search(rf"^ ([0-9a-f]{{64}}) +(\d+) {re.escape(path)}$", release.partition("SHA256:")[2], re.M)
        if not found:
            raise Refusal(f"{self.url}: {self.suite} has no {path}; name another suite with --suite")
        digest, size = found[1], int(found[2])
        kept = os.path.join(self.cache, f"Packages-{digest[:16]}.xz")
        if not is_whole(kept, digest):
            report(f"fetching the index of {self.suite} ({megabytes(size)})")
            base = f"{self.url}/dists/{self.suite}"
            meter = Meter(size, report)
            try:
                # By its digest first: that file stays when the mirror is updated between InRelease and here.
                fetch(f"{base}/{os.path.dirname(path)}/by-hash/SHA256/{digest}", kept, digest=digest, meter=meter)
            except Missing:
                fetch(f"{base}/{path}", kept, digest=digest, meter=meter)
            finally:
                meter.close()
        with lzma.open(kept, "rt", encoding="utf-8") as file:
            return dict(_paragraphs(file.read()))

    def fetch(self, packages: Iterable[Package], report: Report) -> list[str]:
        """Fetch the packages that are not in the cache yet; the paths of all, in the given order."""
        files = [(package, os.path.join(self.cache, package.file)) for package in packages]
        missing = [(package, path) for package, path in files if not is_whole(path, package.digest)]
        total = sum(package.size for package, _ in missing)
        report(f"{len(files)} packages, {len(files) - len(missing)} in the cache, {megabytes(total)} to fetch")
        meter = Meter(total, report)

        def get(item: tuple[Package, str]) -> None:
            fetch(f"{self.url}/{item[0].path}", item[1], digest=item[0].digest, meter=meter)

        pool = ThreadPoolExecutor(FETCHERS)
        try:
            for _ in pool.map(get, missing):
                pass
        finally:
            pool.shutdown(cancel_futures=True)
            meter.close()
        return [path for _, path in files]


def signed_text(content: bytes, name: str, keyring: str) -> str:
    """The text that the signature covers, without what surrounds it."""
    remedy = "or, if you trust the network, use --no-verify-signature (checksums are still compared)"
    tool = next((name for name in VERIFIERS if shutil.which(name)), None)
    if tool is None:
        raise Refusal(
            f"neither gpgv nor sqv is installed to check the mirror's signature; apt-get install gpgv, {remedy}"
        )
    if not os.path.exists(keyring):
        raise Refusal(
            f"{keyring}: no such file, so the mirror's signature cannot be checked; "
            f"apt-get install debian-archive-keyring, name another file with --keyring, {remedy}"
        )
    with tempfile.TemporaryDirectory(prefix="ivr-") as folder:
        given, text = os.path.join(folder, "InRelease"), os.path.join(folder, "text")
        with open(given, "wb") as file:
            file.write(content)
        command = [tool, *VERIFIERS[tool], "--keyring", os.path.abspath(keyring), "--output", text, given]
        environment = {**os.environ, "GNUPGHOME": folder}  # keeps gpgv from reading anybody's own keys
        outcome = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, env=environment
        )
        if outcome.returncode:  # the text may have been written nevertheless
            said = " ".join(line.removeprefix("gpgv: ") for line in outcome.stderr.strip().splitlines()[-3:])
            raise Refusal(
                f"{name}: bad signature ({said}); nothing was installed. Name another mirror with --mirror, "
                f"or update {keyring}"
            )
        with open(text, encoding="utf-8") as signed:
            return signed.read()


def unchecked_text(content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    return text.partition("-----BEGIN PGP SIGNATURE-----")[0]


def machine_mirror() -> str:
    """The Debian mirror that this machine's own apt uses."""
    remedy = "name a Debian mirror with --mirror URL"
    if not shutil.which("apt-get"):
        raise Refusal(f"this machine has no apt that names a mirror; {remedy}")
    form = "$(SITE) $(ORIGIN) $(RELEASE) $(COMPONENT)"
    for line in _apt("indextargets", "--format", form, "Created-By: Packages"):
        words = line.split()
        if len(words) == 4 and words[1] == "Debian" and words[3] == "main" and "-" not in words[2]:
            return words[0]
    # No lists here (a new container): apt still prints what it would fetch.
    for line in _apt("--print-uris", "update"):
        if found := re.match(r"'(https?://[^']*/debian)/dists/[^/'-]+/InRelease'", line):
            return found[1]
    raise Refusal(f"this machine's apt names no Debian mirror (is it another distribution?); {remedy}")


def machine_proxy(url: str) -> str | None:
    """The proxy of this machine's apt, for machines where it is set there and not in the environment."""
    scheme = urlsplit(url).scheme
    if os.environ.get(f"{scheme}_proxy") or os.environ.get(f"{scheme.upper()}_PROXY") or not shutil.which("apt-config"):
        return None
    command = ["apt-config", "shell", "PROXY", f"Acquire::{scheme}::Proxy"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.match(r"PROXY='(https?://[^']+)'", said)
    return found[1] if found else None


def resolve(index: dict[str, str], roots: Iterable[str], wanted: Callable[[str], bool]) -> list[Package]:
    """The roots and those of their direct and indirect dependencies that `wanted` accepts; sorted by name."""
    chosen: dict[str, Package] = {}
    waiting = list(roots)
    for name in waiting:
        if name not in index:
            raise Refusal(f"the suite has no package {name!r} for this machine; name another suite with --suite")
    while waiting:
        name = waiting.pop()
        if name not in chosen and name in index:
            chosen[name] = package(name, index[name])
            waiting += [other for other in chosen[name].depends if wanted(other)]
    return [chosen[name] for name in sorted(chosen)]


def package(name: str, paragraph: str) -> Package:
    fields = dict(re.findall(r"^([A-Za-z0-9-]+): (.*)$", paragraph, re.M))
    depends = f"{fields.get('Pre-Depends', '')},{fields.get('Depends', '')}"
    try:
        return Package(
            name,
            fields["Version"],
            fields["Filename"],
            int(fields["Size"]),
            fields["SHA256"],
            int(fields.get("Installed-Size", 0)) * 1024,
            tuple(re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]+)", depends)),
        )
    except KeyError as missing:
        raise Refusal(f"the mirror's index has no {missing} for {name!r}; name another mirror with --mirror") from None


def unpack(path: str, folder: str) -> None:
    """Unpack the files of a .deb below `folder`. Refuses members outside it; skips such links."""
    try:
        with tarfile.open(fileobj=io.BytesIO(_data(path))) as tar:
            for member in tar:
                _extract(tar, member, folder)
    except OSError as problem:
        if is_full(problem):
            raise no_space(folder, problem) from None
        raise
    except (tarfile.TarError, lzma.LZMAError, EOFError, ValueError) as problem:
        raise Refusal(f"{path}: cannot be unpacked as a package ({problem}); delete it and try again") from None


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: str) -> None:
    name = os.path.normpath(member.name)
    if name == "." or UNWANTED.match(name):
        return
    target = os.path.join(folder, name)
    root = os.path.realpath(folder)
    if name.startswith(("/", "../")) or not (os.path.realpath(os.path.dirname(target)) + "/").startswith(root + "/"):
        raise ValueError(f"the member {member.name!r} points outside")
    os.makedirs(target if member.isdir() else os.path.dirname(target), mode=0o755, exist_ok=True)
    if member.isreg() or member.islnk():  # a hard link becomes a copy: tarfile reads through it
        content = tar.extractfile(member)
        assert content is not None
        _remove(target)
        with content, open(target, "wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
        os.chmod(target, 0o755 if member.mode & 0o111 else 0o644)
    elif member.issym():
        end = os.path.normpath(os.path.join(os.path.dirname(name), member.linkname))
        if not end.startswith(("/", "../")):  # the few others lead to the host's /var and are not needed
            _remove(target)
            os.symlink(member.linkname, target)


def _remove(path: str) -> None:
    if os.path.lexists(path):
        os.remove(path)


def _data(path: str) -> bytes:
    """The data.tar of a .deb, which is an `ar` archive."""
    with open(path, "rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise ValueError("not an ar archive")
        while header := file.read(60):
            name, size = header[:16].decode("ascii", "replace").rstrip(" /"), int(header[48:58])
            if name.startswith("data.tar"):
                if not name.endswith((".xz", ".gz", ".tar")):
                    raise ValueError(f"{name} has an unsupported compression")
                return file.read(size)
            file.seek(size + size % 2, os.SEEK_CUR)
    raise ValueError("no data.tar in it")


def _paragraphs(text: str) -> Iterator[tuple[str, str]]:
    for paragraph in text.split("\n\n"):
        first, _, _ = paragraph.lstrip("\n").partition("\n")
        if first.startswith("Package: "):
            yield first[9:].strip(), paragraph


def _apt(*words: str) -> list[str]:
    outcome = subprocess.run(["apt-get", *words], capture_output=True, text=True, errors="replace", check=False)
    return outcome.stdout.splitlines()
