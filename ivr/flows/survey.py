"""The short questionnaire after the conversation. The caller may hang up at any time: each answer is kept at once."""

from __future__ import annotations

from ivr.agi import SetVariable
from ivr.flows.call import Call, Flow, choose, say, set_variables


def survey(call: Call) -> Flow:
    """The flow `survey`: asks the questions in order, reports each answer, thanks.

    Argument 1 is how many have been asked already, by a ring that failed in the middle (it left that in IVR_ASKED).
    """
    sheet = call.compiled["survey"]
    told = call.argument(1)
    asked = int(told) if told.isascii() and told.isdigit() else 0
    if not asked:
        # A key in the invitation is somebody who knows the questions; it answers the first.
        call.typed = yield from say(call, sheet["invitation"], "0123456789*#")
    for number, question in enumerate(sheet["questions"][asked:], asked + 1):
        key, why = yield from choose(
            call, question["prompts"], question["keys"], sheet["wait_seconds"], sheet["attempts"],
            sheet["no_input"], sheet["wrong_input"],
        )  # fmt: skip
        if key:
            call.report("survey", version=sheet["version"], question=question["code"], value=int(key))
        elif why == "no_input":
            break  # nobody is listening any more; the answers so far stand
        yield SetVariable("IVR_ASKED", str(number))
    yield from say(call, sheet["thanks"])
    yield from set_variables({"IVR_OUTCOME": "done"})
