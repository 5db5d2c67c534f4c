"""Results of each scenario in scenarios/ with few replications, kept in golden/.

To write them again after a change that is meant to change results, run `python -m tests.queue_model.golden_results`.
Review the differences before committing them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from common.places import ROOT
from queue_model.runs.replication import replicate
from queue_model.scenario import study

FOLDER = Path(__file__).parent / "golden"
REPLICATIONS = 2  # or those of the scenario, if fewer


def scenarios() -> list[str]:
    """The names of the shipped scenarios. Other documents in the folder are not simulated."""
    written = {path.stem: yaml.safe_load(path.read_bytes()) for path in Path(ROOT, "scenarios").glob("*.yaml")}
    return sorted(name for name, value in written.items() if "arrivals" in value or "based_on" in value)


def result(name: str) -> dict[str, Any]:
    """The sums of all replications: numerator and denominator of each measure, and the counts."""
    ready = study.load(str(Path(ROOT, "scenarios", f"{name}.yaml")))
    found = replicate(ready, replications=min(REPLICATIONS, ready.scenario.replications), engine_name="kernel")
    return {
        "title": ready.scenario.title,
        "replications": found.replications,
        "seed": found.seed,
        "counts": {each: found.count(each) * found.replications for each in found.sums[0].counts},
        "measures": {each: [it.numerator, it.denominator] for each, it in found.estimates().items()},
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    names = scenarios()
    for old in FOLDER.glob("*.json"):
        if old.stem not in names:
            old.unlink()
    for name in names:
        text = json.dumps(result(name), indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
