"""The conversations of the C client: the environment of Asterisk 22, then each expected command and its reply."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

CLOCK = 1_794_218_400  # Monday 9 November 2026, 10:00 in Rome: it is open

ENVIRONMENT = f"""\
agi_network: yes
agi_network_script: SCRIPT
agi_request: agi://127.0.0.1/SCRIPT
agi_channel: PJSIP/nul-trunk-00000001
agi_language: it
agi_type: PJSIP
agi_uniqueid: 1794218400.1
agi_version: 22.10.1
agi_callerid: 0612345678
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: 800000039
agi_rdnis: unknown
agi_context: nul-call
agi_extension: s
agi_priority: 7
agi_enhanced: 0.0
agi_accountcode:\x20
agi_threadid: 140000000000000
agi_arg_1: {CLOCK}
agi_arg_2: 1794218400.{{serial}}
"""


class Play(NamedTuple):
    """A conversation: the requested script, and its turns of (command, reply)."""

    script: str
    turns: tuple[tuple[str, str], ...]
    facts: int  # that our flow reports

    def write(self, path: Path) -> None:
        """Write the file for the client, which replaces `{serial}` by a number per session."""
        environment = ENVIRONMENT.replace("SCRIPT", self.script)
        turns = "".join(f"{command}\t200 result={reply}\n" for command, reply in self.turns)
        path.write_text(f"{environment}\n{turns}")


TWELVE = Play(
    "twelve",
    (
        ("ANSWER", "0"),
        ("SET VARIABLE IVR_FATE informed", "1"),
        ("GET VARIABLE CALLERID(num)", "1 (0612345678)"),
        ("STREAM FILE nul/welcome", "0 endpos=48160"),
        ("STREAM FILE nul/topics", "0 endpos=121600"),
        ("GET DATA nul/topics", "2"),
        ("STREAM FILE nul/queue-wait", "0 endpos=35200"),
        ("SET VARIABLE IVR_TOPIC DID", "1"),
        ("EXEC Queue nul,c", "0"),
        ("GET VARIABLE QUEUESTATUS", "1 (CONTINUE)"),
        ("GET DATA nul/survey-1", "5"),
        ("SET VARIABLE IVR_OUTCOME done", "1"),
    ),
    facts=4,
)

# The shipped menu: key 2, the information on DID, then the operators.
MENU = Play(
    "menu",
    (
        ("ANSWER", "0"),
        ("STREAM FILE nul/welcome", "0 endpos=48160"),
        ("STREAM FILE nul/topics", "50 endpos=40000"),
        ("STREAM FILE nul/info-did", "0 endpos=160000"),
        ("SET VARIABLE IVR_FATE informed", "1"),
        ("STREAM FILE nul/after-information", "0 endpos=60000"),
        ("WAIT FOR DIGIT 5000", "49"),
        ("STREAM FILE nul/queue-wait", "0 endpos=35200"),
        ("SET VARIABLE IVR_TOPIC DID", "1"),
        ("SET VARIABLE QUEUE_PRIO 0", "1"),
        ("SET VARIABLE IVR_OUTCOME queue", "1"),
    ),
    facts=5,
)
