"""The notice of recording. No call is recorded without it.

A call is recorded only during a quality campaign, if it belongs to the sample, after the whole notice was played, and
if the caller has not refused with the key that the notice names: at once, in the menu, or while waiting for an
operator (the dialplan keeps the keys that are pressed in the queue).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from ivr.agi import Command, StreamFile, WaitForDigit
from ivr.flows.call import KEYS, Call, Flow, say, set_variables
from ivr.flows.speech import sounds

if TYPE_CHECKING:
    from ivr.configuration.compiled import Prompt

REFUSAL_SECONDS = 2.0  # after the notice, to decide


def give_notice(call: Call, prompts: Sequence[Prompt]) -> Generator[Command[Any], Any, bool]:
    """Play the notice if this call is in the sample; returns whether it may be recorded, unless refused later."""
    campaign = call.service["recording"]
    if not campaign["campaign"] or not call.in_sample("recording", campaign["sampling"]):
        return False
    refuse = campaign["refuse_key"]
    for sound in sounds(call.compiled, prompts, call.now()):
        played = yield StreamFile(sound, refuse)
        if played.failed:
            call.log("notice_failed", sound=sound)
            return False  # no recording without the notice
        if played.digit:
            yield from _refused(call)
            return False
    call.report("notice", prompts=_versions(call, prompts), campaign=campaign["name"])
    key = yield WaitForDigit(int(REFUSAL_SECONDS * 1000))
    if key == refuse:
        yield from _refused(call)
        return False
    call.typed = key or call.typed  # a key pressed during the welcome still counts
    call.refusal_key = refuse
    return True


def _refused(call: Call) -> Flow:
    call.refuse_recording()
    call.typed = (yield from say(call, ["recording-refused"], KEYS)) or call.typed


def notice(call: Call) -> Flow:
    """The flow `notice`, for a site whose dialplan has its own menu: sets IVR_RECORD, then IVR_OUTCOME."""
    recorded = yield from give_notice(call, ["recording-notice"])
    yield from set_variables({"IVR_RECORD": "1" if recorded else "", "IVR_OUTCOME": "done"})


def _versions(call: Call, prompts: Sequence[Prompt]) -> dict[str, int]:
    """Which text the caller heard: evidence for the register of recordings."""
    sheets = call.compiled["prompts"]
    names = [prompt for prompt in prompts if isinstance(prompt, str) and prompt in sheets]
    played = [prompt for prompt in names if sheets[prompt]["text"]]
    return {prompt: sheets[prompt]["version"] for prompt in played}
