"""Where the manager is and how to log in. The secret comes from a file or the environment, never from the command line,
which everybody on the machine can read."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from typing import NamedTuple

from common.command_line import Refusal
from common.file_errors import describe
from common.places import Places
from common.ports import HOST
from common.safe_files import write_file

PORT = 5038
AMI_USER = "ivr"  # in a private switch
MOST_SECRET = 1024  # bytes
_ADDRESS = re.compile(r"(?P<user>[\w.-]+)@(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\])(?::(?P<port>\d{1,5}))?")


class Ami(NamedTuple):
    """How to log in to the manager interface."""

    host: str
    port: int
    user: str
    secret: str


def account(places: Places, environment: Mapping[str, str] = os.environ, switch: str = "main") -> Ami:
    """The login from `$NUL_AMI` (user@host:port) and `$NUL_AMI_SECRET`, or the file named by `$NUL_AMI_SECRET_FILE`
    (systemd's LoadCredential). Without `$NUL_AMI`: the private switch of these places. Raises `Refusal`."""
    address = environment.get("NUL_AMI")
    if not address:
        return load_ami(places.switch(switch))
    found = _ADDRESS.fullmatch(address)
    port = int((found and found["port"]) or PORT)
    if found is None or port > 65535:
        raise Refusal(f"NUL_AMI: {address!r} is not user@host:port, such as nul@127.0.0.1:{PORT}")
    return Ami(found["host"].strip("[]"), port, found["user"], _secret(environment))


def _secret(environment: Mapping[str, str]) -> str:
    if secret := environment.get("NUL_AMI_SECRET"):
        return secret
    path = environment.get("NUL_AMI_SECRET_FILE")
    if not path:
        raise Refusal("NUL_AMI is set, but no secret: NUL_AMI_SECRET_FILE names the file that holds it (mode 0600)")
    try:
        with open(path, encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o007:
                raise Refusal(f"{path}: everybody on this machine can read the manager's secret; chmod 0640 {path}")
            secret = file.read(MOST_SECRET).strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise Refusal(f"{path}: {problem}; NUL_AMI_SECRET_FILE holds the manager's secret and nothing else") from None
    if not secret:
        raise Refusal(f"{path}: empty; it holds the secret of manager.conf and nothing else")
    return secret


def load_ami(folder: str) -> Ami:
    path = os.path.join(folder, "ami.json")
    try:
        with open(path, encoding="utf-8") as file:
            return Ami(**json.load(file))
    except FileNotFoundError:
        raise Refusal(f"{path}: not there yet; prepare the switch first (`lab switch start` does)") from None
    except OSError as problem:
        raise Refusal(describe(problem, path)) from None
    except (ValueError, TypeError) as problem:
        raise Refusal(f"{path}: {problem}; stop the switch, move the file aside, and start the switch again") from None


def save_ami(folder: str, port: int) -> None:
    """Write `ami.json`, with the existing secret or a new one."""
    path = os.path.join(folder, "ami.json")
    secret = load_ami(folder).secret if os.path.exists(path) else secrets.token_urlsafe(24)
    write_file(path, json.dumps(Ami(HOST, port, AMI_USER, secret)._asdict(), indent=1) + "\n", mode=0o600)
