"""The frame of every program: exit status and messages."""

from __future__ import annotations

import errno
import subprocess
import sys
from argparse import ArgumentParser, Namespace

import pytest

from common.command_line import Command, Refusal, as_sentence, run, run_guarded, user_name
from common.places import Places

SUMMARIES = {"work": "do the work", "fail": "fail in this way"}


class OwnError(Exception):
    """An error that the program declares as one of its own."""


def make(name: str) -> Command:
    def arguments(parser: ArgumentParser) -> None:
        parser.add_argument("--error", choices=("refusal", "own"))

    def act(options: Namespace, places: Places) -> int:
        if name == "fail":
            raise Refusal("config/x.yaml: wrong; correct it") if options.error == "refusal" else OwnError("own")
        print(places.var)
        return 3

    return Command(arguments, act)


def program(*argv: str) -> int:
    return run("prog", "A program.", SUMMARIES, "nowhere", argv, (OwnError,), make)


def test_a_command_gets_its_options_and_places(capsys: pytest.CaptureFixture[str]) -> None:
    assert program("--var", "/srv/var", "work") == 3
    assert capsys.readouterr().out == "/srv/var\n"


@pytest.mark.parametrize(("kind", "text"), [("refusal", "config/x.yaml: wrong; correct it"), ("own", "own")])
def test_an_expected_error_is_one_line_and_status_1(capsys: pytest.CaptureFixture[str], kind: str, text: str) -> None:
    assert program("fail", "--error", kind) == 1
    assert capsys.readouterr() == ("", f"prog fail: {text}\n")


def test_an_unknown_command_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program("wrok")
    assert ended.value.code == 2
    assert "work" in capsys.readouterr().err


def test_an_interrupt_is_status_130() -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert run_guarded("prog", interrupted) == 130


def test_an_error_of_another_file_is_not_taken_for_standard_output() -> None:
    def full() -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "/var/x")

    with pytest.raises(OSError, match="/var/x"):
        run_guarded("prog", full)


CODE = """import sys
from common.command_line import run_guarded
def work():
    print("x" * 100)
    return 0
sys.exit(run_guarded("prog", work))"""


def test_a_full_standard_output_is_reported() -> None:
    with open("/dev/full", "w", encoding="ascii") as full:
        ended = subprocess.run(
            [sys.executable, "-c", CODE], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert (ended.returncode, ended.stderr) == (1, "prog: standard output: not written: No space left on device\n")


def test_a_closed_pipe_is_the_end_and_not_an_error() -> None:
    program = subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout is not None and program.stderr is not None
    program.stdout.close()
    assert (program.stderr.read(), program.wait(60)) == (b"", 0)
    program.stderr.close()


def test_a_summary_becomes_a_sentence() -> None:
    assert as_sentence("check config/ and Carta") == "Check config/ and Carta."
    assert as_sentence("who calls?") == "Who calls?"


def test_the_user_behind_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    assert user_name() == "anna"
