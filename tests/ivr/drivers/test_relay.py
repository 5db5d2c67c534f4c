"""What can be said of the relay without a process; the rest is in tests/agi_scripts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from common.places import ROOT
from ivr.drivers.relay import render_script

SOURCE = Path(ROOT, "agi_scripts", "menu").read_text()


def test_the_installed_text() -> None:
    text = render_script(SOURCE, "/opt/numero/bin/python3", "/opt/l'altro", '/srv/"var"\\x/compiled.json')
    lines = text.splitlines()
    assert lines[0] == "#!/opt/numero/bin/python3 -ISE"
    given: dict[str, str] = {}
    for line in lines:
        if line.startswith(("ROOT = ", "COMPILED = ")):
            exec(line, given)
    assert (given["ROOT"], given["COMPILED"]) == ("/opt/l'altro", '/srv/"var"\\x/compiled.json')
    assert lines[1:] != SOURCE.splitlines()[1:] and len(lines) == len(SOURCE.splitlines())
    compile(text, "menu", "exec")


@pytest.mark.parametrize("source", ["", "#!/bin/sh\n", SOURCE.replace("ROOT = None", "ROOT = 1"), SOURCE + SOURCE])
def test_a_text_that_is_not_an_agi_script(source: str) -> None:
    with pytest.raises(ValueError, match="must contain the line"):
        render_script(source, "/usr/bin/python3", "/r", "/c")


@pytest.mark.parametrize("interpreter", ["python3", "/a b/python3", "/a\n/python3", "/" + "x" * 300, ""])
def test_an_interpreter_that_cannot_stand_in_a_first_line(interpreter: str) -> None:
    with pytest.raises(ValueError, match="first line"):
        render_script(SOURCE, interpreter, "/r", "/c")


def test_pprint_is_import_lazily_and_comes_when_it_is_wanted() -> None:
    code = (
        f"import sys; sys.path.append({ROOT!r})\n"
        "from ivr.drivers.relay import _import_lazily\n"
        "_import_lazily('pprint'); import pprint\n"
        "assert 'inspect' not in sys.modules\n"
        "assert pprint.pformat([1]) == '[1]' and pprint.pformat({}) == '{}'\n"
        "assert 'inspect' in sys.modules\n"
        "import pprint as again\n"
        "assert again.__spec__ is not None\n"
    )
    subprocess.run([sys.executable, "-ISE", "-c", code], check=True)


def test_what_a_script_on_its_own_does_not_import() -> None:
    """The 45 ms of a script without an engine are lost by one careless import."""
    code = (
        f"import sys; sys.path.append({ROOT!r})\n"
        "from ivr.drivers.relay import _find_packages, _import_lazily\n"
        "_find_packages(); _import_lazily('pprint')\n"
        "import ivr.drivers.process, ivr.flows.menu, ivr.flows.survey, ivr.flows.notice\n"
        "import ivr.flows.ended, voicemail.flow\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-ISE", "-c", code], check=True, capture_output=True, text=True)
    heavy = {"asyncio", "dataclasses", "inspect", "logging", "msgspec", "socket", "ssl", "subprocess", "tempfile",
             "ivr.configuration.compiled_types", "ivr.telemetry.logs", "yaml", "email", "uvloop", "random",
             "pathlib", "urllib", "importlib.metadata", "traceback", "argparse", "shutil", "decimal"}  # fmt: skip
    assert not heavy.intersection(done.stdout.split())
