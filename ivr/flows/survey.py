"""The short survey after the conversation. Callers may hang up at any time: each answer is reported at once."""

from __future__ import annotations

from ivr.agi import SetVariable
from ivr.flows.call import Call, Flow, choose, say, set_variables


def survey(call: Call) -> Flow:
    """The flow `survey`: asks the questions in order, reports each answer, thanks the caller.

    Argument 1 is the number of questions already asked (IVR_ASKED), by a ring that failed in the middle.
    """
    sheet = call.compiled["survey"]
    argument = call.argument(1)
    asked = int(argument) if argument.isascii() and argument.isdigit() else 0
    if not asked:
        # A caller who knows the survey may press a key in the invitation: it answers the first question.
        call.typed = yield from say(call, sheet["invitation"], "0123456789*#")
    for number, question in enumerate(sheet["questions"][asked:], asked + 1):
        key, why = yield from choose(
            call, question["prompts"], question["keys"], sheet["wait_seconds"], sheet["attempts"],
            sheet["no_input"], sheet["wrong_input"],
        )  # fmt: skip
        if key:
            call.report("survey", version=sheet["version"], question=question["code"], value=int(key))
        elif why == "no_input":
            break  # nobody is listening any more; the answers so far are kept
        yield SetVariable("IVR_ASKED", str(number))
    yield from say(call, sheet["thanks"])
    yield from set_variables({"IVR_OUTCOME": "done"})
