"""Flows for the benchmarks. The engine finds them like all others, by the entry points of a package.

`twelve` sends the same commands as the peers, and reports the four facts that a real call with these commands has.
`short` is the call on the real switch: one prompt, one key.
"""

from __future__ import annotations

from pathlib import Path

from ivr.agi import Answer, Exec, GetData, GetVariable, SetVariable, StreamFile, WaitForDigit
from ivr.flows.call import KEYS, Call, Flow

FLOWS = ("twelve", "short")


def twelve(call: Call) -> Flow:
    """The call that every server of `fastagi` handles."""
    yield Answer()
    call.report("answered", revision=call.compiled["revision"])
    yield SetVariable("IVR_FATE", "informed")
    yield GetVariable("CALLERID(num)")
    yield StreamFile("nul/welcome")
    yield StreamFile("nul/topics", KEYS)
    chosen = yield GetData("nul/topics", 5000, 1)
    call.report("choice", node="topics", key=chosen.digits, why="")
    yield StreamFile("nul/queue-wait")
    topic = "DID" if chosen.digits == "2" else "ALTRO"
    yield SetVariable("IVR_TOPIC", topic)
    call.report("handed_over", topic=topic, priority=0)
    yield Exec("Queue", "nul,c")
    yield GetVariable("QUEUESTATUS")
    answer = yield GetData("nul/survey-1", 5000, 1)
    call.report("survey", version=1, question="solved", value=int(answer.digits))
    yield SetVariable("IVR_OUTCOME", "done")


def short(call: Call) -> Flow:
    """Play the welcome until a key comes, and pass it to the dialplan."""
    yield Answer()
    call.report("answered", revision=call.compiled["revision"])
    key = (yield StreamFile("nul/welcome", KEYS)).digit
    if not key:
        key = yield WaitForDigit(5000)
    call.report("choice", node="short", key=key, why="" if key else "no_input")
    yield SetVariable("DIGIT", key)
    yield SetVariable("IVR_OUTCOME", "done")


def install(folder: Path) -> None:
    """Make a package of the flows in that folder; with the folder on PYTHONPATH, `ivr serve` finds them."""
    package = folder / "benchmark_flows-0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: benchmark-flows\nVersion: 0\n")
    points = "".join(f"{name} = benchmarks.flows:{name}\n" for name in FLOWS)
    (package / "entry_points.txt").write_text(f"[ivr.flows]\n{points}")
