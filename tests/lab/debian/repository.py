"""A small Debian mirror: real packages, a real index, a real signature, served over HTTP on loopback."""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.lab.debian import openpgp

TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
LOADERS = {"amd64": "ld-linux-x86-64.so.2", "arm64": "ld-linux-aarch64.so.1"}
# The real loader takes its own options and runs the program that follows: so does this one.
LOADER = b'#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do shift 2; done\nexec "$@"\n'

Fault = Callable[
    [BaseHTTPRequestHandler, bytes, int], None
]  # the handler, the content that it would have sent, and the status


def deb(files: dict[str, bytes | str | tarfile.TarInfo]) -> bytes:
    """Make a package. A file's content is bytes, a link's target a string; a `TarInfo` is added unchanged."""
    parts = [("debian-binary", b"2.0\n"), ("control.tar.xz", _tar({"./control": b""})), ("data.tar.xz", _tar(files))]
    return ar(parts)


def ar(parts: list[tuple[str, bytes]]) -> bytes:
    archive = b"!<arch>\n"
    for name, content in parts:
        archive += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        archive += content + b"\n" * (len(content) % 2)
    return archive


def _tar(files: dict[str, bytes | str | tarfile.TarInfo]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz", preset=0) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.mode = 0o755 if isinstance(content, bytes) and content.startswith(b"#!") else 0o644
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
            elif isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


class Repository:
    """The files of a mirror by path, the requests so far, and the faults to come."""

    def __init__(self, architecture: str = "amd64", suite: str = "forky") -> None:
        self.architecture, self.suite = architecture, suite
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str | None]] = []  # path, Range
        self.faults: dict[str, list[Fault]] = {}  # by path, for the next requests
        self.ranges = True
        self.packages: dict[str, str] = {}

    def add(self, name: str, files: dict[str, bytes | str], depends: str = "", **fields: str) -> str:
        """Add a package; returns its path."""
        content = deb(dict(files))
        path = f"pool/main/{name[0]}/{name}/{name}_1.0-1_{self.architecture}.deb"
        self.files[path] = content
        values = {
            "Package": name,
            "Version": "1.0-1",
            "Installed-Size": "100",
            "Depends": depends,
            "Filename": path,
            "Size": str(len(content)),
            "SHA256": hashlib.sha256(content).hexdigest(),
            "Description": "a miniature\n of several lines",
            **fields,
        }
        self.packages[name] = "".join(f"{key}: {value}\n" for key, value in values.items() if value)
        return path

    def publish(self) -> None:
        """Write the index and sign it."""
        index = lzma.compress("\n".join(self.packages.values()).encode())
        digest = hashlib.sha256(index).hexdigest()
        folder = f"main/binary-{self.architecture}"
        release = (
            f"Origin: Debian\nSuite: testing\nCodename: {self.suite}\nDate: Fri, 30 Oct 2026 08:08:01 UTC\n"
            f"MD5Sum:\n {'0' * 32} 12 {folder}/Packages.xz\n"
            f"SHA256:\n {'1' * 64} 99 {folder}/Packages.gz\n {digest} {len(index)} {folder}/Packages.xz\n"
        )
        base = f"dists/{self.suite}"
        self.files[f"{base}/InRelease"] = openpgp.clear_signed(release).encode()
        self.files[f"{base}/{folder}/Packages.xz"] = index
        self.files[f"{base}/{folder}/by-hash/SHA256/{digest}"] = index

    @property
    def index_path(self) -> str:
        return next(path for path in self.files if "/by-hash/" in path)

    @property
    def release_path(self) -> str:
        return f"dists/{self.suite}/InRelease"

    def ranges_requested(self, ending: str) -> list[str | None]:
        """The `Range` of each request for a path with this ending; None without one."""
        return [span for path, span in self.requests if path.endswith(ending)]

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve the mirror; yields its address."""
        handler = type("Handler", (_Handler,), {"repository": self})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}/debian"
            finally:
                server.shutdown()
                thread.join()


class _Handler(BaseHTTPRequestHandler):
    repository: Repository

    def do_GET(self) -> None:
        path = self.path.removeprefix("/debian/")
        span = self.headers.get("Range")
        self.repository.requests.append((path, span))
        content = self.repository.files.get(path)
        if content is None:
            self.send_error(404)
            return
        first = int(re.sub(r"\D", "", span)) if span and self.repository.ranges else 0
        waiting = self.repository.faults.get(path)
        if waiting:
            waiting.pop(0)(self, content[first:], 206 if first else 200)
            return
        if first and first >= len(content):
            self.send_error(416)
            return
        answer(self, content[first:], 206 if first else 200)

    def log_message(self, *_: object) -> None:
        pass


def answer(handler: BaseHTTPRequestHandler, content: bytes, status: int = 200, promised: int | None = None) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content) if promised is None else promised))
    handler.end_headers()
    handler.wfile.write(content)


def cut(after: int) -> Fault:
    """Break the connection after this many bytes."""
    return lambda handler, content, status: answer(handler, content[:after], status, promised=len(content))


def error(status: int) -> Fault:
    return lambda handler, content, _: handler.send_error(status)


def altered(handler: BaseHTTPRequestHandler, content: bytes, status: int) -> None:
    """Send other content of the right length."""
    answer(handler, b"?" * len(content), status)


def miniature(architecture: str = "amd64", suite: str = "forky") -> Repository:
    """A suite with everything that an installation needs; each program is a script that prints its version."""
    lib = f"./usr/lib/{TRIPLETS[architecture]}"
    repository = Repository(architecture, suite)
    repository.add(
        "asterisk",
        {
            "./usr/sbin/asterisk": b"#!/bin/sh\necho 'Asterisk 22.10.1~dfsg-1'\n",
            "./usr/sbin/rasterisk": "asterisk",
            "./usr/share/doc/asterisk/copyright": b"GPL-2",
            "./usr/share/doc/asterisk/changelog.gz": b"long",
            "./usr/share/man/man8/asterisk.8.gz": b"long",
            "./usr/share/asterisk/sounds/recordings": "/var/lib/asterisk/sounds/custom",
            "./etc/asterisk/asterisk.conf": b"never used",
        },
        depends="asterisk-modules (= 1.0-1), libc6 (>= 2.38), adduser, libpq5 | libpq6, libssl3t64",
    )
    repository.add("asterisk-modules", {f"{lib}/asterisk/modules/res_agi.so": b"module" * 3000}, "libedit2")
    repository.add("libc6", {f"{lib}/{LOADERS[architecture]}": LOADER, f"{lib}/libc.so.6": b"c"})
    repository.add("libssl3t64", {f"{lib}/libssl.so.3": b"ssl"}, depends="libc6")
    repository.add("libpq5", {f"{lib}/libpq.so.5": b"a database: not needed"})
    repository.add("adduser", {"./usr/sbin/adduser": b"#!/bin/sh\n"})
    repository.add("asterisk-core-sounds-en-gsm", {"./usr/share/asterisk/sounds/en_US_f_Allison/vm.gsm": b"gsm"})
    repository.add("asterisk-core-sounds-it-wav", {"./usr/share/asterisk/sounds/it_IT_m_Carlo/digits/1.wav": b"uno"})
    repository.add("asterisk-moh-opsound-wav", {"./usr/share/asterisk/moh/day.wav": b"music"})
    repository.add("sip-tester", {"./usr/bin/sipp": b"#!/bin/sh\necho ' SIPp v3.8.0'\nexit 99\n"}, Version="1:3.8.0-2")
    repository.add("libfaketime", {f"{lib}/faketime/libfaketimeMT.so.1": b"clock"})
    repository.publish()
    return repository
