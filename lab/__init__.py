"""A private Asterisk: obtained from Debian's packages without root, run on ports of its own, asked, stopped.

`asterisk` is the running one; `installation` obtains it (`tree`, `packages`, `download`); `ports`, `procfs`,
`unprivileged` and `faketime` know the machine that it runs on; `files` and `state` are what lies in its folder.
"""

from common.ports import Ports
from ivr.ami.account import Ami
from lab.asterisk import Status, Switch, named, names, script_probe, shared_folders
from lab.debian.installation import Installation, install, installed, system_installation

__all__ = [
    "Ami",
    "Installation",
    "Ports",
    "Status",
    "Switch",
    "install",
    "installed",
    "named",
    "names",
    "script_probe",
    "shared_folders",
    "system_installation",
]
