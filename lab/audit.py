"""`make audit`: the locked dependencies, checked by pip-audit for known faults.

Exit status 0: all were checked and none has a known fault; 1: some have; 2: not all could be checked. pip-audit itself
counts packages that its source of data does not know as a success, as on a mirror without such data.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

SECONDS = 600.0
OPTIONS = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json", "--timeout", "20")


def main(argv: Sequence[str]) -> int:
    program, lock_file = argv
    try:
        done = subprocess.run(
            [program, "--requirement", lock_file, *OPTIONS], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return _unchecked(f"pip-audit had no answer within {SECONDS / 60:.0f} minutes")
    except OSError as problem:
        return _unchecked(f"{program}: {problem.strerror}; delete .venv/tools and run `make audit` again")
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return _unchecked(f"pip-audit could not reach its data ({reason[:300]})")
    return report(dependencies)


def report(dependencies: Sequence[dict[str, Any]]) -> int:
    """Print what pip-audit found; return the exit status."""
    faults = [(each, fault) for each in dependencies for fault in each.get("vulns", ())]
    skipped = [each for each in dependencies if "skip_reason" in each]
    for each, fault in faults:
        fixed = ", ".join(fault.get("fix_versions", ())) or "no version yet"
        print(f"{each['name']} {each['version']}: {fault['id']}, fixed in {fixed}")
    if skipped:
        names = ", ".join(each["name"] for each in skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        what = f"{len(skipped)} of {len(dependencies)} packages are unknown to the source of faults ({names})"
        return _unchecked(what)
    if not dependencies:
        return _unchecked("the lock file names no package")
    if not faults:
        print(f"{len(dependencies)} packages: no known fault")
    return 1 if faults else 0


def _unchecked(reason: str) -> int:
    print(
        f"make audit: {reason}; nothing is known about them: repeat it on a machine that reaches pypi.org",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
