"""Scenarios of SIPp for callers and operators, written from a few steps.

SIPp works by fixed times: it does not hear what is played to it. Keys are sent as SIP INFO and speech as an A-law
stream, neither of which needs a privilege.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import quoteattr


class Pause(NamedTuple):
    seconds: float


class Key(NamedTuple):
    key: str


class Speak(NamedTuple):
    """Plays a raw A-law file once; the next step follows at once, so a `Pause` of its length usually does."""

    path: str


class Listen(NamedTuple):
    """A pause during which the service may end the call; then the scenario ends."""

    seconds: float


class HangUp(NamedTuple):
    """The caller ends the call."""


class AwaitHangUp(NamedTuple):
    """The service ends the call, within so many seconds."""

    seconds: float


Step = Pause | Key | Speak | Listen | HangUp | AwaitHangUp

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n<scenario name={name}>\n'
_OFFER = """v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv
"""

_BYE_ANSWERED = "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
_ENDED = '<recv request="BYE" optional="true" next="leave"/>\n'


def caller(name: str, number: str, steps: Sequence[Step]) -> str:
    """The scenario of a caller who dials and does the steps in order. `number` may contain SIPp's [call_number]."""
    played = [_step(number, step, sequence) for sequence, step in enumerate(steps, 2)]
    if any(isinstance(step, Listen) for step in steps):  # the service may end the call, at any time
        played = [text.replace('<recv response="200"/>', f'{_ENDED}<recv response="200"/>') for text in played]
        leave = _send(f"{_BYE_ANSWERED}Content-Length: 0\n\n")
        played += ['<nop next="end"/>\n<label id="leave"/>\n', leave, '<label id="end"/>\n<pause milliseconds="10"/>\n']
    return "".join([_HEAD.format(name=quoteattr(name)), _dial(number), *played, "</scenario>\n"])


def operators(ring_seconds: float, talk_seconds: float) -> str:
    """The scenario of any number of operators at once: each call rings, is answered, and is ended by the operator after
    `talk_seconds`, unless the caller hangs up before. The checks of the switch are answered."""
    ours = "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]SIPpTag01[call_number]\n[last_Call-ID:]\n"
    header, contact = f"{ours}[last_CSeq:]\n", "Contact: <sip:[local_ip]:[local_port]>\n"
    goodbye = (
        "BYE [$3] SIP/2.0\nVia: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n"
        "From:[$2];tag=[pid]SIPpTag01[call_number]\nTo:[$1]\nCall-ID: [call_id]\nCSeq: 1 BYE\nMax-Forwards: 70\n"
        f"{contact}Content-Length: 0\n\n"
    )
    agreed = _send(f"{_BYE_ANSWERED}Content-Length: 0\n\n")
    return "".join([
        _HEAD.format(name='"operators"'),
        '<recv request="OPTIONS" optional="true" next="check"/>\n',  # the switch checks that the telephone is there
        '<recv request="INVITE"><action>\n'
        '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/>\n'
        '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="2"/>\n'
        '<ereg regexp="sip:[^&gt;;]*" search_in="hdr" header="Contact:" assign_to="3"/>\n'
        '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="4"/>\n</action></recv>\n',
        _send(f"SIP/2.0 180 Ringing\n{header}{contact}Content-Length: 0\n\n"),
        f'<recv request="CANCEL" timeout="{round(ring_seconds * 1000)}" ontimeout="answer" next="cancelled"/>\n'
        '<label id="answer"/>\n',
        _send(
            f"SIP/2.0 200 OK\n{ours}CSeq: [$4] INVITE\n{contact}"
            f"Content-Type: application/sdp\nContent-Length: [len]\n\n{_OFFER}",
            retransmit=True,
        ),
        '<recv request="ACK"/>\n',
        # The operator talks for so long, or until the caller hangs up.
        f'<recv request="BYE" timeout="{round(talk_seconds * 1000)}" ontimeout="hang-up" next="leave"/>\n'
        '<label id="hang-up"/>\n',
        _send(goodbye, retransmit=True),
        f'{_ENDED}<recv response="200" next="end"/>\n<label id="leave"/>\n{agreed}<nop next="end"/>\n'
        f'<label id="cancelled"/>\n{agreed}',
        _send(f"SIP/2.0 487 Request Terminated\n{ours}CSeq: [$4] INVITE\nContent-Length: 0\n\n", retransmit=True),
        '<recv request="ACK"/>\n<nop next="end"/>\n<label id="check"/>\n',
        _send(f"SIP/2.0 200 OK\n{header}Content-Length: 0\n\n"),
        '<label id="end"/>\n<pause milliseconds="10"/>\n</scenario>\n',
    ])  # fmt: skip


def _step(number: str, step: Step, sequence: int) -> str:
    match step:
        case Pause(seconds):
            return _pause(seconds)
        case Key(key):
            body = f"Signal={key}\nDuration=160\n"
            return _send(
                _request("INFO", number, sequence)
                + f"Content-Type: application/dtmf-relay\nContent-Length: [len]\n\n{body}",
                retransmit=True,
            ) + '<recv response="200"/>\n'  # fmt: skip
        case Speak(path):
            return f"<nop><action><exec rtp_stream={quoteattr(f'{path},1,8')}/></action></nop>\n"
        case Listen(seconds):
            again = f"after-{sequence}"
            wait = f'<recv request="BYE" timeout="{round(seconds * 1000)}" ontimeout="{again}" next="leave"/>\n'
            return f'{wait}<label id="{again}"/>\n'
        case HangUp():
            return _send(_request("BYE", number, sequence) + "Content-Length: 0\n\n", retransmit=True) + (
                '<recv response="200"/>\n'
            )
        case AwaitHangUp(seconds):
            goodbye = _send(f"{_BYE_ANSWERED}Content-Length: 0\n\n")
            return f'<recv request="BYE" timeout="{round(seconds * 1000)}"/>\n{goodbye}'
    raise TypeError(step)


def _dial(number: str) -> str:
    invite = (
        "INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n"
        "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n"
        f"From: <sip:{number}@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]\n"
        "To: <sip:[service]@[remote_ip]:[remote_port]>\nCall-ID: [call_id]\nCSeq: 1 INVITE\n"
        f"Contact: <sip:{number}@[local_ip]:[local_port]>\nMax-Forwards: 70\n"
        f"Content-Type: application/sdp\nContent-Length: [len]\n\n{_OFFER}"
    )
    provisional = "".join(f'<recv response="{code}" optional="true"/>\n' for code in (100, 180, 183))
    return (
        _send(invite, retransmit=True)
        + provisional
        + '<recv response="200" rrs="true"/>\n'
        + _send(_request("ACK", number, 1) + "Content-Length: 0\n\n")
    )


def _request(method: str, number: str, sequence: int) -> str:
    return (
        f"{method} [next_url] SIP/2.0\nVia: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n"
        f"From: <sip:{number}@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]\n"
        "To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]\n"
        f"Call-ID: [call_id]\nCSeq: {sequence} {method}\n"
        f"Contact: <sip:{number}@[local_ip]:[local_port]>\nMax-Forwards: 70\n"
    )


def _send(text: str, *, retransmit: bool = False) -> str:
    again = ' retrans="500"' if retransmit else ""
    return f"<send{again}><![CDATA[\n\n{text}\n]]></send>\n"


def _pause(seconds: float) -> str:
    return f'<pause milliseconds="{round(seconds * 1000)}"/>\n'
