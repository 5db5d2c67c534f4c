"""The units of config/systemd on a booted Debian: they start, they come back, and they may do little."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.places import ROOT, Places
from tests.site.machine import PREFIX, Machine, install, missing_programs

pytestmark = [pytest.mark.site, pytest.mark.timeout(900)]

SERVICES = sorted(path.name for path in Path(ROOT, "config/systemd").glob("nul-*.service"))
NEED_A_SWITCH = ("nul-engine.service", "nul-guard.service", "nul-live.service")  # or are tested on their own
LOWEST_PROTECTION = 2.0  # of `systemd-analyze security`; 10 is no protection at all
STARTS = 7  # more than systemd allows in ten seconds by default


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A site, installed and booted, with a compiled configuration and a registry."""
    missing = missing_programs()
    assert not missing, f"install first: {', '.join(missing)} (Debian packages mmdebstrap, systemd-container)"
    assert os.geteuid() == 0, "systemd-nspawn needs root"
    booted = Machine(Path(Places().var) / "site" / "root")
    install(booted.root)
    try:
        booted.boot()
        setting = "IVR_CONFIG=/etc/numero-unico IVR_VAR=/var/lib/numero-unico"
        booted.run(f"runuser -u asterisk -- env {setting} {PREFIX}/.venv/bin/ivr compile")
        booted.run(f"runuser -u asterisk -- env {setting} {PREFIX}/.venv/bin/registry init")
        booted.run("printf 'NUL_AMI=nul@127.0.0.1:5038\\nNUL_AMI_SECRET=secret\\n' > /etc/numero-unico/ami.env")
        booted.run("systemctl daemon-reload")
        yield booted
    finally:
        booted.stop()


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_may_do_little(machine: Machine, name: str) -> None:
    report = machine.run(f"systemd-analyze security --no-pager {name}")
    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
    assert score is not None, report
    assert float(score[1]) <= LOWEST_PROTECTION, report


def test_the_engine_comes_back_however_long_its_port_is_taken(machine: Machine) -> None:
    port = re.search(r"^ +port: (\d+)", Path(ROOT, "config/service.yaml").read_text(encoding="utf-8"), re.M)
    assert port is not None
    taken = f"import socket,time; s=socket.create_server(('127.0.0.1', {port[1]})); time.sleep(600)"
    machine.run(f'systemd-run --quiet --unit=taken python3 -c "{taken}"')
    machine.run("systemctl start --no-block nul-engine")
    machine.wait(lambda: int(machine.property("nul-engine", "NRestarts")) >= STARTS, "seven starts of the engine")
    machine.run("systemctl stop taken")
    machine.wait(lambda: machine.property("nul-engine", "ActiveState") == "active", "the engine to start", 30)
    machine.run("systemctl stop nul-engine")


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in NEED_A_SWITCH])
def test_a_unit_works_with_what_it_may_do(machine: Machine, name: str) -> None:
    machine.run(f"systemctl start {name}")
    if machine.property(name, "Type") == "oneshot":
        assert machine.property(name, "Result") == "success", machine.run(f"journalctl --no-pager -u {name}")
        return
    machine.wait(lambda: machine.property(name, "ActiveState") == "active", f"{name} to run")
    machine.run(f"systemctl stop {name}")
    assert machine.property(name, "Result") == "success", machine.run(f"journalctl --no-pager -u {name}")
