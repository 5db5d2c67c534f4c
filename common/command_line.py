"""The frame of every program: one parser, one module per command, and the exit status.

A command is anything with `arguments(parser)` and `run(options, places)`: usually a module, or a `Command` that the
program makes. It is imported only when it is called, because start-up time matters.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import getpass
import importlib
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from common.file_errors import describe
from common.languages import LANGUAGES, Language
from common.parser import Parser, translate
from common.places import Places
from common.texts import reading_in


class Refusal(Exception):
    """An error that the person can correct; the message names the place and the remedy."""


class Command(NamedTuple):
    """A command without a module of its own."""

    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Places], int]


class Speaker(NamedTuple):
    """What a program prints in the language of its readers: these commands, with `--language`, and its own help."""

    commands: Collection[str]
    site_language: Callable[[Places], Language]
    introduction: Callable[[], tuple[str, Mapping[str, str]]]  # description and summaries in the current language


def user_name() -> str:
    """The person at the terminal. Everybody works through `sudo` as one account, whose name says nothing."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def as_sentence(summary: str) -> str:
    """A summary with a capital and a full stop; names keep their capitals."""
    return summary[:1].upper() + summary[1:] + ("" if summary.endswith("?") else ".")


def run(
    name: str,
    description: str,
    summaries: Mapping[str, str],
    package: str,
    argv: Sequence[str] | None = None,
    problems: tuple[type[Exception], ...] = (),
    make: Callable[[str], Command | None] | None = None,
    speaker: Speaker | None = None,
) -> int:
    """Run one of a program's commands and return the exit status.

    With a `speaker` the program prints some of its commands in the site's language. `make` returns the command of a
    name, or None when it is a module of `package`. A `Refusal`, or one of the program's own `problems`, is printed in
    one line on standard error, with exit status 1.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)

    def work() -> int:
        if speaker is None:
            return _run(name, description, summaries, package, arguments, problems, make)
        with reading_in(_language(arguments, summaries, speaker)):
            introduction = speaker.introduction()
            return _run(name, *introduction, package, arguments, problems, make, speaker.commands)

    return run_guarded(name, work)


def _language(arguments: Sequence[str], summaries: Mapping[str, str], speaker: Speaker) -> Language:
    """`--language`, or the site's; English for the commands of ops. The parser itself needs it."""
    chosen = _chosen(arguments, summaries)
    if chosen is not None and chosen not in speaker.commands:
        return "en"
    early = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    for option in ("--language", "--config", "--var"):
        early.add_argument(option)
    with contextlib.suppress(argparse.ArgumentError):  # the parser proper reports it
        options, _ = early.parse_known_args(arguments)
        given = next((language for language in LANGUAGES if language == options.language), None)
        return given or speaker.site_language(Places(options.config, options.var))
    return speaker.site_language(Places())


def _chosen(arguments: Sequence[str], summaries: Mapping[str, str]) -> str | None:
    """The command that is called."""
    return next((word for word in arguments if word in summaries), None)


def run_guarded(name: str, work: Callable[[], int]) -> int:
    """Run a program and return its exit status; handles an interrupt, and a closed or full standard output."""
    try:
        status = work()
        if sys.stdout is not None:  # a service manager, or `>&-`, may have given none
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:  # also while modules are still being imported
        return 130
    except BrokenPipeError:  # `ivr facts | head`
        _silence_stdout()
        return 0
    except OSError as problem:
        if not is_output_error(problem):
            raise
        print(f"{name}: standard output: not written: {problem.strerror}", file=sys.stderr)
        _silence_stdout()
        return 1


def is_output_error(problem: OSError) -> bool:
    """Whether writing to standard output failed, and not to another file: then another write fails, too."""
    if problem.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO) or problem.filename is not None or not sys.stdout:
        return False
    try:
        print(flush=True)  # one more empty line does no harm before an error message
    except OSError:
        return True
    return False


def _silence_stdout() -> None:
    """Discard further output, so that Python does not fail again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(
    name: str,
    description: str,
    summaries: Mapping[str, str],
    package: str,
    arguments: Sequence[str],
    problems: tuple[type[Exception], ...],
    make: Callable[[str], Command | None] | None,
    speaking: Collection[str] = (),
) -> int:
    parser = Parser(prog=name, description=description)
    parser.add_argument("--config", metavar="DIR", help=translate("what ops own (default: config/, or $IVR_CONFIG)"))
    parser.add_argument("--var", metavar="DIR", help=translate("what the program writes (default: var/, or $IVR_VAR)"))
    commands = parser.add_subparsers(dest="command", metavar=translate("COMMAND"), required=True)
    # Only the chosen command's module is imported: `ivr check` should not wait for asyncio, or a formula for SciPy.
    chosen = _chosen(arguments, summaries)
    for command_name, summary in summaries.items():
        command = commands.add_parser(command_name, help=summary, description=as_sentence(summary))
        if command_name == chosen:
            module = (make and make(chosen)) or importlib.import_module(f"{package}.{chosen}")
            module.arguments(command)
            if chosen in speaking:
                which = translate(
                    "language of this command ({choices}; default: that of the site)", choices=", ".join(LANGUAGES)
                )
                command.add_argument("--language", choices=LANGUAGES, metavar=translate("LANGUAGE"), help=which)
            command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    expected: tuple[type[Exception], ...] = (Refusal, *problems)
    try:
        status: int = options.run(options, Places(options.config, options.var))
    except expected as problem:
        print(f"{name} {options.command}: {problem}", file=sys.stderr)
        return 1
    except OSError as problem:
        if isinstance(problem, BrokenPipeError) or is_output_error(problem):
            raise
        print(f"{name} {options.command}: {describe(problem)}", file=sys.stderr)
        return 1
    return status
