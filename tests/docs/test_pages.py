"""The pages are true: their commands run, the names and links on them exist."""

from __future__ import annotations

import contextlib
import csv
import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from common.places import ROOT, Places
from ivr.configuration.service import examine
from ivr.telemetry.metrics import Metrics
from queue_model.cli import COMMANDS as MODEL_COMMANDS
from queue_model.simulation import event_kinds
from registry.requests import transitions
from tests.asterisk.support.system import merged
from voicemail.message import STATES

HOME = Path(ROOT)
DOCS = [
    HOME / "README.md",
    HOME / "CHANGELOG.md",
    HOME / "config/prompts/README.md",
    *sorted(HOME.glob("docs/**/*.md")),
]
PAGES = [pytest.param(path, id=str(path.relative_to(HOME))) for path in DOCS]
OPS, DEVELOPERS, VOICEMAIL, SUPERVISORS, REGISTRY, MECHANISMS = (
    HOME / "docs" / f"{name}.md" for name in ("ops", "developers", "voicemail", "supervisors", "registry", "mechanisms")
)
SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for package in ("common", "ivr", "lab", "measure", "registry", "voicemail")
    for path in (HOME / package).rglob("*.py")
)
DIALPLAN = (HOME / "config/asterisk/extensions_nul.conf").read_text(encoding="utf-8")
RUN_SECONDS = 60
PROGRAMS = {
    name: f"{name.replace('-', '_')}.cli" for name in ("ivr", "lab", "measure", "queue-model", "registry", "voicemail")
}
ALWAYS = "--config --var"  # of every program, before its command


class Block(NamedTuple):
    """A fenced block: the words after the fence, what is in it, and where."""

    words: list[str]
    text: str
    where: str


def blocks(path: Path) -> list[Block]:
    found = []
    text = path.read_text(encoding="utf-8")
    for match in re.finditer(r"^```([^\n`]*)\n(.*?)^```$", text, re.M | re.S):
        line = text[: match.start()].count("\n") + 1
        found.append(Block(match[1].split(), match[2], f"{path.name}:{line}"))
    return found


def marked(*words: str) -> list[Any]:
    """The blocks of all pages that are marked so, as parameters of a test; the tutorial's belong together."""
    found = [block for path in DOCS if path != SUPERVISORS for block in blocks(path) if block.words == list(words)]
    return [pytest.param(block, id=block.where) for block in found]


def prose(path: Path) -> str:
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)


def spans(path: Path) -> list[str]:
    """The texts between backticks in the prose."""
    return re.findall(r"`([^`\n]+)`", prose(path))


def anchor(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# --- links and names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_somewhere(path: Path) -> None:
    dead = []
    outside_code = re.sub(r"`[^`\n]*`", "", prose(path))  # `[trunk](template)` is Asterisk's syntax
    for target in re.findall(r"\]\(([^)\s]+)\)", outside_code):
        if target.startswith(("http://", "https://")):
            continue
        name, _, part = target.partition("#")
        page = path if not name else (path.parent / name)
        if not page.exists():
            dead.append(target)
        elif part:
            headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
            dead += [target] if part not in map(anchor, headings) else []
    assert dead == []


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_path_of_the_machine_that_it_was_written_on(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.])/(?:work|root|home|tmp)\b\S*", text) == []
    assert "\t" not in text


@pytest.mark.parametrize("path", PAGES)
def test_every_path_of_the_repository_exists(path: Path) -> None:
    folders = {entry.name for entry in HOME.iterdir() if entry.is_dir()} - {"var"}
    paths = [text for text in spans(path) if re.fullmatch(r"[\w.-]+(/[\w.-]*)+", text)]
    assert [name for name in paths if name.split("/")[0] in folders and not (HOME / name).exists()] == []


@pytest.mark.parametrize("path", PAGES)
def test_every_path_below_var_is_one_that_the_program_uses(path: Path) -> None:
    named = {each.rstrip("/").rpartition("/")[2] for each in spans(path) if each.startswith("var/") and each != "var/"}
    assert [name for name in sorted(named) if f'"{name}"' not in SOURCES] == []


@pytest.mark.parametrize("path", PAGES)
def test_every_dotted_name_can_be_imported(path: Path) -> None:
    setup = (HOME / "setup.cfg").read_text(encoding="utf-8")
    for name in spans(path):
        if re.fullmatch(r"(ivr|voicemail|charter)(\.[A-Za-z]\w+)+", name) and f"\n{name} =" not in setup:
            if name.startswith("voicemail.") and name in keys(service()):
                continue
            assert resolved(name) is not None, name


def resolved(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return getattr(importlib.import_module(module), attribute)


# --- commands --------------------------------------------------------------------------------------------------------


def commands(path: Path) -> Iterator[list[str]]:
    """Every command on a page, as words."""
    shell = [line for block in blocks(path) if block.words[:1] == ["sh"] for line in block.text.splitlines()]
    for line in [*spans(path), *shell]:
        for part in re.split(r"&&|;|\|", line.partition("  #")[0]):
            words = [word.rpartition("/bin/")[2] for word in part.split()]
            while words and (words[0] in ("sudo", "-u", "asterisk", "alias") or "=" in words[0]):
                words.pop(0)
            if len(words) > 1 and words[0] in (*PROGRAMS, "nul", "make") and words[1] not in ("...", "--help"):
                yield ["ivr" if words[0] == "nul" else words[0], *words[1:]]


@cache
def help_of(program: str, *words: str) -> str:
    """The help text of a command; "" if there is no such command."""
    module = importlib.import_module(PROGRAMS[program])
    output = io.StringIO()
    with (
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(io.StringIO()),
        pytest.raises(SystemExit) as end,
    ):
        module.main([*words, "--help"])
    return output.getvalue() if not end.value.code else ""


@pytest.mark.parametrize("path", PAGES)
def test_every_command_and_option_exists(path: Path) -> None:
    makefile = (HOME / "Makefile").read_text(encoding="utf-8")
    for program, *words in commands(path):
        if program == "make":
            assert f"\n{words[0]}:" in makefile, words
            continue
        plain = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)]
        if not plain:  # a program and an option of its own
            continue
        text = help_of(program, plain[0])
        assert text, words
        if len(plain) > 1 and f"{{{plain[1]}" not in text and (inner := help_of(program, *plain[:2])):
            text += inner
        options = [word.partition("=")[0] for word in words if word.startswith("--")]
        assert [each for each in options if each != "--help" and not re.search(rf"{each}\b", text + ALWAYS)] == [], (
            words
        )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder like a checkout's, for commands that may write."""
    shutil.copytree(HOME / "config", tmp_path / "config", ignore=shutil.ignore_patterns("prompts"))
    (tmp_path / "config/prompts").symlink_to(HOME / "config/prompts")
    (tmp_path / "docs").mkdir()
    return tmp_path


@pytest.mark.parametrize("block", marked("sh", "run"))
def test_a_block_of_commands_runs(block: Block, site: Path) -> None:
    execute(block, site)


def execute(block: Block, site: Path) -> str:
    """Run a block in that folder; returns its output."""
    programs = os.path.dirname(sys.executable)
    done = subprocess.run(
        ["sh", "-e"], input=block.text, cwd=site, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}",
             "IVR_CONFIG": f"{site}/config", "IVR_VAR": f"{site}/var"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_the_tutorial_of_supervisors_leads_to_a_rota(site: Path) -> None:
    """Its blocks build on each other, in one folder."""
    (site / "scenarios").symlink_to(HOME / "scenarios")
    steps = [block for block in blocks(SUPERVISORS) if block.words == ["sh", "run"]]
    outputs = [execute(block, site) for block in steps]
    shown = {word for block in steps for word in MODEL_COMMANDS if f"queue-model {word} " in block.text}
    assert shown >= {"run", "explain", "check", "compare", "sweep", "staff", "rota", "erlang"}
    assert outputs[0].startswith("Dieci postazioni\n")
    assert "Answered within 20 seconds *" in outputs[0]
    assert all(outputs)
    assert_figures_of_the_tutorial(site)
    assert (site / "ten-seats.html").read_text(encoding="utf-8").startswith('<!DOCTYPE html>\n<html lang="it">')
    assert len((site / "rota.csv").read_text(encoding="utf-8").splitlines()) > 50
    assert "<svg" in (site / "rota.html").read_text(encoding="utf-8")
    assert list((site / "sweep").glob("*.svg"))


def assert_figures_of_the_tutorial(site: Path) -> None:
    """The figures in its text are those that its commands print."""
    text = " ".join(prose(SUPERVISORS).split())
    stated = re.search(r"about ([\d.]+) %, between ([\d.]+) and ([\d.]+) %", text)
    level = json.loads((site / "ten-seats.json").read_text(encoding="utf-8"))["measures"]["service_level"]
    assert stated is not None
    assert list(stated.groups()) == [f"{100 * level[key]:.1f}" for key in ("value", "low", "high")]
    with (site / "sweep/sweep.csv").open(encoding="utf-8", newline="") as file:
        busy = {row["seats"]: float(row["value"]) for row in csv.DictReader(file)
                if row["measure"] == "service_level" and row["calls"] == "450"}  # fmt: skip
    seats = re.search(r"ten seats answer about (\d+) % in time and miss the target", text)
    assert seats is not None
    assert seats[1] == f"{100 * busy['10']:.0f}"
    assert abs(busy["11"] - busy["10"]) < 0.005  # "The eleventh seat changes nothing"
    page = (site / "comparison.html").read_text(encoding="utf-8")
    shown = re.search(r"Abandonment</th><td[^>]*>([\d.]+)\s%</td><td[^>]*>([\d.]+)\s%", page)
    assert shown is not None
    assert 2.5 < float(shown[2]) / float(shown[1]) < 3  # "nearly three times as many hang up"


@pytest.mark.parametrize("block", marked("python", "run"))
def test_a_block_of_python_runs(block: Block) -> None:
    exec(compile(block.text, block.where, "exec"), {})


def test_there_are_blocks_to_run() -> None:
    assert len(marked("sh", "run")) >= 4
    assert len(marked("python", "run")) >= 2


# --- configuration ---------------------------------------------------------------------------------------------------


def service() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((HOME / "config/service.yaml").read_bytes())
    return document


def keys(document: dict[str, Any], above: str = "") -> set[str]:
    """The dotted path of every key, those in between included."""
    found = {f"{above}{key}" for key in document}
    for key, value in document.items():
        found |= keys(value, f"{above}{key}.") if isinstance(value, dict) else set()
    return found


@pytest.mark.parametrize("path", PAGES)
def test_every_key_of_the_configuration_exists(path: Path) -> None:
    known = keys(service())
    sections = "|".join(service())
    named = [each.partition(":")[0] for each in spans(path)]
    named = [each for each in named if re.fullmatch(rf"({sections})(\.[a-z_]+)+", each)]
    assert [each for each in named if each not in known and resolvable(each) is False] == []


def resolvable(name: str) -> bool:
    """`voicemail.store` may be a module, `registry.personal_data` a group of entry points."""
    groups = (HOME / "setup.cfg").read_text(encoding="utf-8")
    return (HOME / f"{name.replace('.', '/')}.py").exists() or f"\n{name} =\n" in groups


def test_ops_find_every_key_explained() -> None:
    known = keys(service())
    leaves = {key for key in known if not any(other.startswith(f"{key}.") for other in known)}
    days = {f"hours.{day}" for day in ("tuesday", "wednesday", "thursday", "friday", "saturday")}  # monday ... sunday
    assert sorted(leaves - days - set(spans(OPS))) == []


def test_the_examples_of_configuration_are_in_order(site: Path) -> None:
    examples = [block for block in blocks(OPS) if block.words[:1] == ["yaml"]]
    assert [block.words[1] for block in examples] == ["menu", "prompts", "service"]
    for block in examples:
        path = site / "config" / f"{block.words[1]}.yaml"
        before = yaml.safe_load(path.read_bytes())
        after = merged(before, yaml.safe_load(block.text))
        assert after != before
        path.write_text(yaml.safe_dump(after, allow_unicode=True, sort_keys=False), encoding="utf-8")
    configuration, problems = examine(Places(config=str(site / "config"), var=str(site / "var")))
    assert [each.message for each in problems if "info-apprendistato" not in each.message] == []  # it has no audio yet
    assert configuration is not None
    assert len(configuration.service.holidays.extra_closures) == 2


# --- the engine and the dialplan -------------------------------------------------------------------------------------


def test_ops_find_every_metric_and_no_other() -> None:
    families = list(Metrics(("menu",)).collect())
    real = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    assert {each for each in spans(OPS) if each.startswith("ivr_")} == real


def test_labels_and_events_are_those_of_the_engine() -> None:
    for name, value in re.findall(r'(\w+)="(\w+)"', "\n".join(spans(OPS))):
        assert f'"{value}"' in SOURCES or f"{value}=" in SOURCES, (name, value)
    for event in ("prompt_failed", "restart_needed", "record_failed", "flow_failed"):
        assert event in spans(OPS)
        assert f'"{event}"' in SOURCES


@pytest.mark.parametrize("path", PAGES)
def test_contexts_and_variables_are_those_of_the_dialplan(path: Path) -> None:
    contexts = {each for each in spans(path) if re.fullmatch(r"nul-[a-z-]+", each)} - {"nul-engine"}
    assert [each for each in sorted(contexts) if f"[{each}]" not in DIALPLAN] == []
    variables = {each for each in spans(path) if re.fullmatch(r"IVR_[A-Z]+|QUEUE_[A-Z]+", each)} - {
        "IVR_CONFIG",
        "IVR_VAR",
    }
    assert [each for each in sorted(variables) if each not in DIALPLAN + SOURCES] == []


def test_feature_codes_are_those_of_the_dialplan() -> None:
    listed = {text for text in spans(OPS) if re.fullmatch(r"\*\d\d\d?", text)}
    dialled = set(re.findall(r"^exten => (\*\d+),", DIALPLAN, re.M))
    assert listed == dialled


def test_unit_and_page_agree_on_the_paths() -> None:
    unit = (HOME / "config/systemd/nul-engine.service").read_text(encoding="utf-8")
    page = OPS.read_text(encoding="utf-8")
    for path in ("/opt/numero-unico/.venv/bin/ivr", "/etc/numero-unico", "/var/lib/numero-unico"):
        assert path in page
    assert "ExecStart=/opt/numero-unico/.venv/bin/ivr serve" in unit
    assert "Environment=IVR_CONFIG=/etc/numero-unico IVR_VAR=/var/lib/numero-unico\n" in unit


def test_the_states_of_a_message_are_described_in_italian() -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (.*) \|$", prose(VOICEMAIL).partition("## Gli stati")[2], re.M)
    assert {state: set(re.findall(r"`(\w+)`", after)) for state, after in rows} == {
        state: set(after) for state, after in STATES.items()
    }


def test_the_actions_on_a_request_are_described_in_italian() -> None:
    states = prose(REGISTRY).partition("## Gli stati")[2].partition("| azione |")[0]
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (.*) \|$", states, re.M)
    assert {state: set(re.findall(r"`(\w+)`", after)) for state, after in rows} == {
        state: {action for level in transitions.LEVELS for action in transitions.possible(state, level, True)}
        for state in transitions.STATES
    }
    listed = set(re.findall(r"`(\w+)`", prose(REGISTRY).partition("| azione |")[2].partition("Il terzo livello")[0]))
    assert listed >= set(transitions.ACTIONS)


def test_the_picture_of_a_request_is_that_of_the_table() -> None:
    (picture,) = [block.text for block in blocks(REGISTRY) if block.words == ["mermaid"]]
    assert picture.splitlines() == list(transitions.mermaid())


# --- the worked example ----------------------------------------------------------------------------------------------


def apply(patch: str, folder: Path) -> list[str]:
    """Apply a patch without line numbers: what each hunk replaces must stand in its file exactly once."""
    changed = []
    for part in re.split(r"^\+\+\+ ", patch, flags=re.M)[1:]:
        name, _, rest = part.partition("\n")
        path = folder / name
        text = path.read_text(encoding="utf-8")
        for hunk in re.split(r"^@@\n", rest, flags=re.M)[1:]:
            lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] or "\n" for line in lines if line[0] in " -\n")
            after = "".join(line[1:] or "\n" for line in lines if line[0] in " +\n")
            assert text.count(before) == 1, f"{name}: the example no longer fits:\n{hunk}"
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")
        changed.append(name)
    return changed


def worked(page: Path, site: Path, test: str, *others: str) -> str:
    """Apply the example of a page to the copy in `site`, run its test (and others) there; returns pytest's output."""
    (patch,) = [block for block in blocks(page) if block.words == ["diff", "example"]]
    (written,) = [block for block in blocks(page) if block.words == ["python", "example"]]
    assert test in written.text
    apply(patch.text, site)
    (site / test).parent.mkdir(exist_ok=True)
    (site / test).write_text(written.text, encoding="utf-8")
    python(site, "ivr.configuration.generate_types")  # `make types`
    return python(site, "pytest", "-q", "-p", "no:cacheprovider", test, *others)


def python(site: Path, *arguments: str) -> str:
    """Run a module in the copy in `site`; its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=site, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
        env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_worked_example_of_a_menu_node_works(site: Path) -> None:
    for package in ("common", "ivr", "charter", "voicemail"):
        shutil.copytree(HOME / package, site / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "tests/__init__.py", "tests/conftest.py", "tests/config/test_shipped.py"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HOME / name, site / name)
    head = "tests/config/test_shipped.py::test_the_head_of_menu_yaml_explains_every_kind_of_node"
    (patch,) = [block.text for block in blocks(DEVELOPERS) if block.words == ["diff", "example"]]
    assert len(re.findall(r"^\+\+\+ .*\.py$", patch, re.M)) <= 3
    assert "3 passed" in worked(DEVELOPERS, site, "tests/ivr/test_pause.py", head)


def test_the_worked_example_of_a_feature_for_both_engines_works(site: Path) -> None:
    """Nothing compiled is copied: it would be the engine without the feature."""
    for package in ("common", "ivr", "charter", "voicemail", "pages", "queue_model", "tests/queue_model"):
        shutil.copytree(HOME / package, site / package, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))
    for name in ("setup.cfg", "tests/__init__.py", "tests/conftest.py"):
        shutil.copy(HOME / name, site / name)
    unread = "tests/queue_model/simulation/test_kernel.py::test_no_input_is_left_unread"
    assert "25 passed" in worked(MECHANISMS, site, "tests/queue_model/simulation/test_most_ahead.py", unread)


def test_the_order_at_ties_is_the_one_that_both_engines_read() -> None:
    rows = re.findall(r"^\| (\d+) \| `([A-Z_]+)` \|", MECHANISMS.read_text(encoding="utf-8"), re.M)
    order = {name: getattr(event_kinds, name) for _, name in rows}
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    assert list(order.values()) == list(range(event_kinds.MAIL + 1))  # the last of all kinds of event
