"""Changes the source in small ways and runs the tests of the changed module: `make mutants [ONLY=charter]`.

It runs with the environment of the tools, and the tests with the environment of the project, in a copy of the working
tree: a mutant never touches the tree itself.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants import plan as plans
from tests.mutants.mutations import choose
from tests.mutants.plan import Plan, Result

ROOT = Path(__file__).parents[2]
PYTEST = [str(ROOT / ".venv/bin/python"), "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
# The database of the tests is SQLite here: it runs the same SQL as PostgreSQL, and starts at once.
FAST = ["-m", "not switch and not site", "-k", "not postgresql", "--hypothesis-profile=mutants"]
LEAST_TIMEOUT = 30.0  # seconds; a busy machine must not kill a mutant
SLACK = 6  # times the duration without a mutation


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", default="", metavar="PREFIX", help="only modules whose path begins with this")
    parser.add_argument("--each", type=int, help="mutants per module instead of the number in mutants.toml")
    parser.add_argument("--seed", help="another sample than that of mutants.toml")
    options = parser.parse_args()
    plan = plans.read()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder)
        copy_tree(copy)
        results = run(copy, plan, options.only, options.each or plan.each, options.seed or plan.seed)
    if not results:
        print(f"{plans.PLAN}: no module begins with {options.only!r}", file=sys.stderr)
        return 2
    print("\n" + plans.table(results) + "\n")
    for result in results:
        for change in result.survivors:
            print(plans.show(change, plan.explained.get(change)) + "\n")
    missing = plan.unexplained(results)
    print(f"{len(missing)} survivors without an explanation")
    return 1 if missing else 0


def copy_tree(target: Path) -> None:
    """Every file that Git knows or would add, and the compiled modules."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    compiled = [str(path.relative_to(ROOT)) for path in (ROOT / "queue_model").rglob("*.so")]
    for name in [*filter(None, names), *compiled]:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def run(copy: Path, plan: Plan, prefix: str, each: int, seed: str) -> list[Result]:
    results = []
    durations: dict[tuple[str, ...], float] = {}
    for module, tests in plan.tests.items():
        if not module.startswith(prefix):
            continue
        if tuple(tests) not in durations:
            durations[tuple(tests)] = time_tests(copy, tests)
        timeout = max(LEAST_TIMEOUT, SLACK * durations[tuple(tests)])
        results.append(try_module(copy, module, tests, each, seed, timeout))
    return results


def time_tests(copy: Path, tests: list[str]) -> float:
    start = time.monotonic()
    status, output = run_tests(copy, tests, timeout=None)
    if status != 0:
        raise SystemExit(f"{' '.join(tests)}: fails without a mutation; repair it first\n{output}")
    return time.monotonic() - start


def try_module(copy: Path, module: str, tests: list[str], each: int, seed: str, timeout: float) -> Result:
    result = Result(module)
    path = copy / module
    source = path.read_text(encoding="utf-8")
    for mutated in choose(module, source, each, seed):
        write(path, mutated)
        status, _output = run_tests(copy, tests, timeout)
        result.mutants += 1
        change = plans.describe(module, source, mutated)
        if status == 0:
            result.survivors.append(change)
        else:
            result.killed += 1
        print(f"{'survived' if status == 0 else 'killed  '} {module}: {change.after[:90]!r}", flush=True)
    write(path, source)
    return result


def write(path: Path, source: str) -> None:
    """Write a module and delete its bytecode: a mutant may have the size and the second of the one before."""
    path.write_text(source, encoding="utf-8")
    for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        stale.unlink()


def run_tests(copy: Path, tests: list[str], timeout: float | None) -> tuple[int, str]:
    """The exit status of the tests, 1 when they take too long: an endless loop is noticed as well."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode, every mutant would compile the whole tree
    process = subprocess.Popen(
        [*PYTEST, *FAST, *tests],
        cwd=copy,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        output, process.returncode = "too slow", 1
    finally:
        end_group(process)
    return process.returncode, output


def end_group(process: subprocess.Popen[str]) -> None:
    """End what the tests started and left behind."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    raise SystemExit(main())
