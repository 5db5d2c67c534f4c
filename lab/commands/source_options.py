"""The options of `install` commands: where packages come from, and how their signature is checked."""

from __future__ import annotations

import argparse

from lab.debian.packages import KEYRING
from lab.debian.tree import SUITE, Source


def add_source_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--mirror", metavar="URL", help="a Debian mirror (default: the one that this machine's apt uses)"
    )
    command.add_argument("--suite", default=SUITE, help="the Debian suite (default: %(default)s)")
    command.add_argument(
        "--keyring", metavar="FILE", default=KEYRING, help="the keys of accepted signatures (default: %(default)s)"
    )
    command.add_argument(
        "--no-verify-signature",
        action="store_true",
        help="trust the mirror and the network; checksums are still compared",
    )


def chosen_source(options: argparse.Namespace) -> Source:
    return Source(options.mirror, options.suite, options.keyring, not options.no_verify_signature)
