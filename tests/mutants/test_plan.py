"""The list of mutants names files that exist; survivors are explained by their lines, not by their line numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.plan import Change, Result, describe, read, table

ROOT = Path(__file__).parents[2]
SCOPE = ("charter", "registry/requests", "voicemail/callback", "measure/switch", "ivr/switch_logs", "ivr/flows")
# Tables and names without rules, and what only prints.
LEFT_OUT = {"ivr/flows/ended.py", "measure/switch/tables.py", "voicemail/callback/metrics.py"}


def test_every_module_of_the_packages_is_mutated_or_left_out() -> None:
    modules = {str(path.relative_to(ROOT)) for folder in SCOPE for path in (ROOT / folder).glob("[!_]*.py")}
    assert set(read().tests) == modules - LEFT_OUT


def test_the_named_tests_exist() -> None:
    names = {name for tests in read().tests.values() for name in tests}
    assert [name for name in sorted(names) if not (ROOT / name).exists()] == []


def test_every_explained_change_is_one_of_its_module_today() -> None:
    for change in read().explained:
        lines = [line.strip() for line in (ROOT / change.module).read_text(encoding="utf-8").splitlines()]
        assert set(change.before.splitlines()) <= set(lines), f"{change}: delete the explanation or write it again"


def test_a_change_is_known_again_wherever_it_stands() -> None:
    before, after = "def f(a):\n    return a > 0\n", "def f(a):\n    return a >= 0\n"
    assert describe("m.py", before, after) == describe("m.py", f"\n\n{before}", f"\n\n{after}")
    assert describe("m.py", before, after) == Change("m.py", "return a > 0", "return a >= 0")


def test_survivors_without_an_explanation_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "mutants.toml"
    entry = '[[explained]]\nmodule = "m.py"\nbefore = "a > 0"\nafter = "a != 0"\nreason = "a is never negative"\n'
    path.write_text(f'seed = "1"\neach = 2\n[module]\n"m.py" = ["t.py"]\n{entry}', encoding="utf-8")
    explained, other = Change("m.py", "a > 0", "a != 0"), Change("m.py", "a > 0", "a >= 0")
    results = [Result("m.py", mutants=4, killed=2, survivors=[explained, other])]
    assert read(path).unexplained(results) == [other]
    assert table(results).splitlines()[-1].split() == ["total", "4", "2", "2", "50.0"]


@pytest.mark.parametrize(
    ("old", "new", "problem"), [('reason = "r"', 'reason = " "', "has no reason"), ("each", "every", "every: unknown")]
)
def test_a_faulty_list_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = tmp_path / "mutants.toml"
    entry = '[[explained]]\nmodule = "m.py"\nbefore = "a"\nafter = "b"\nreason = "r"\n'
    path.write_text(f'seed = "1"\neach = 2\n[module]\n{entry}'.replace(old, new), encoding="utf-8")
    with pytest.raises(SystemExit, match=problem):
        read(path)
