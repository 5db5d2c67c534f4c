"""The process behind `tests.asterisk.support.pjsua`: a pjsua2 user agent that obeys JSON lines.

Standard input has one command a line, `{"do": "dial", ...}`; standard output has one event a line, `{"event": ...}`.
The agent runs in one thread, and ends when its standard input does. Audio devices are not used: what a call says is
silence or a tone, what it hears is measured as a level.
"""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Mapping
from typing import Any

import pjsua2

HOST = "127.0.0.1"
TICK_MS = 10
LOUD = 3  # of 255: quiet music; silence in A-law is below
TONE_HZ, TONE_MS, TONE_VOLUME = 700, 1000, 12000

_events = os.dup(1)  # pjsip prints its own lines on standard output until it is told not to


def report(event: str, **data: Any) -> None:
    try:
        os.write(_events, json.dumps({"event": event, **data}).encode() + b"\n")
    except BrokenPipeError:  # the test has ended without `close`
        os._exit(1)


class Account(pjsua2.Account):  # type: ignore[misc]
    """A SIP identity; `agent` gets its incoming calls."""

    def __init__(self, agent: Agent) -> None:
        super().__init__()
        self._agent = agent

    def onIncomingCall(self, parameters: Any) -> None:
        call = Call(self, parameters.callId)
        self._agent.add(call)
        lines = parameters.rdata.wholeMsg
        report("ringing", call=call.number, request=lines)
        if self._agent.rings:
            call.answer(_operation(180))

    def onRegState(self, parameters: Any) -> None:
        report("registration", code=parameters.code)


class Call(pjsua2.Call):  # type: ignore[misc]
    """A call, known to the parent by its number."""

    def __init__(self, account: Account, call_id: int = pjsua2.PJSUA_INVALID_ID) -> None:
        super().__init__(account, call_id)
        self.number = 0  # assigned by the agent
        self.over = False
        self.audio: Any = None
        self.tone: Any = None
        self.loud = 0

    def onCallState(self, parameters: Any) -> None:
        info = self.getInfo()
        self.over = info.state == pjsua2.PJSIP_INV_STATE_DISCONNECTED
        report("state", call=self.number, state=info.stateText, code=info.lastStatusCode)

    def onCallMediaState(self, parameters: Any) -> None:
        self.audio = None
        info = self.getInfo()  # a name, so that it lives as long as its parts are read
        for media in info.media:
            active = media.status in (pjsua2.PJSUA_CALL_MEDIA_ACTIVE, pjsua2.PJSUA_CALL_MEDIA_REMOTE_HOLD)
            if media.type == pjsua2.PJMEDIA_TYPE_AUDIO and active:
                self.audio = self.getAudioMedia(media.index)
                # Without a listener the level of what is heard is not measured.
                self.audio.startTransmit(pjsua2.Endpoint.instance().audDevManager().getPlaybackDevMedia())
                if self.tone is not None:
                    self.tone.startTransmit(self.audio)

    def onCallTransferStatus(self, parameters: Any) -> None:
        report("transfer", call=self.number, code=parameters.statusCode, final=bool(parameters.finalNotify))

    def onDtmfDigit(self, parameters: Any) -> None:
        report("key", call=self.number, key=parameters.digit)

    def measure(self) -> None:
        """Count and report the moments at which something was heard: at which the call transmits to our bridge."""
        if self.audio is None or self.over:
            return
        try:
            level = self.audio.getTxLevel()
        except pjsua2.Error:  # the call is ending: its audio is closed before its state changes
            self.audio = None
            return
        if level > LOUD:
            self.loud += 1
            report("heard", call=self.number, loud=self.loud)


class Agent:
    """All accounts and calls of this process."""

    def __init__(self, port: int, rings: bool) -> None:
        self.rings = rings
        self._calls: dict[int, Call] = {}
        self._accounts: dict[str, Account] = {}
        self._endpoint = pjsua2.Endpoint()
        self._endpoint.libCreate()
        settings = pjsua2.EpConfig()
        settings.uaConfig.threadCnt = 0
        settings.uaConfig.mainThreadOnly = True
        settings.logConfig.level = settings.logConfig.consoleLevel = 0
        settings.medConfig.noVad = True
        settings.medConfig.ecTailLen = 0
        self._endpoint.libInit(settings)
        transport = pjsua2.TransportConfig()
        transport.port = port
        transport.boundAddress = HOST
        known = self._endpoint.transportCreate(pjsua2.PJSIP_TRANSPORT_UDP, transport)
        self._endpoint.libStart()
        self._endpoint.audDevManager().setNullDev()
        self.port = int(self._endpoint.transportGetInfo(known).localAddress.rsplit(":", 1)[1])
        self.account("phone")  # gets the calls for names without an account

    def add(self, call: Call) -> None:
        call.number = len(self._calls) + 1
        self._calls[call.number] = call

    def tick(self) -> None:
        self._endpoint.libHandleEvents(TICK_MS)
        for call in self._calls.values():
            call.measure()

    def obey(self, command: Mapping[str, Any]) -> None:
        action = getattr(self, f"do_{command['do']}")
        arguments = {name: value for name, value in command.items() if name != "do"}
        try:
            action(**arguments)
        except pjsua2.Error as problem:
            report("refused", do=command["do"], call=command.get("call", 0), why=problem.reason)

    def account(self, user: str, password: str = "", registrar: str = "") -> Account:
        if user not in self._accounts:
            settings = pjsua2.AccountConfig()
            settings.idUri = user if user.startswith(("sip:", '"', "<")) else f"sip:{user}@{HOST}:{self.port}"
            settings.mediaConfig.transportConfig.boundAddress = HOST
            if registrar:
                settings.regConfig.registrarUri = registrar
                credentials = pjsua2.AuthCredInfo("digest", "*", user, 0, password)
                settings.sipConfig.authCreds.append(credentials)
            account = self._accounts[user] = Account(self)
            account.create(settings)
        return self._accounts[user]

    # commands

    def do_register(self, user: str, password: str, registrar: str) -> None:
        self.account(user, password, registrar)

    def do_dial(self, uri: str, user: str, headers: Mapping[str, str]) -> None:
        call = Call(self.account(user))
        self.add(call)
        operation = pjsua2.CallOpParam(True)
        for name, value in headers.items():
            header = pjsua2.SipHeader()
            header.hName, header.hValue = name, value
            operation.txOption.headers.append(header)
        call.makeCall(uri, operation)

    def do_answer(self, call: int, code: int) -> None:
        self._calls[call].answer(_operation(code))

    def do_forward(self, call: int, uri: str) -> None:
        operation = _operation(302)
        contact = pjsua2.SipHeader()
        contact.hName, contact.hValue = "Contact", f"<{uri}>"
        operation.txOption.headers.append(contact)
        self._calls[call].answer(operation)

    def do_hang_up(self, call: int) -> None:
        if not self._calls[call].over:
            self._calls[call].hangup(_operation(0))

    def do_hold(self, call: int) -> None:
        self._calls[call].setHold(pjsua2.CallOpParam(True))

    def do_resume(self, call: int) -> None:
        operation = pjsua2.CallOpParam(True)
        operation.opt.flag = pjsua2.PJSUA_CALL_UNHOLD
        self._calls[call].reinvite(operation)

    def do_transfer(self, call: int, uri: str) -> None:
        self._calls[call].xfer(uri, pjsua2.CallOpParam())

    def do_transfer_to_call(self, call: int, other: int) -> None:
        self._calls[call].xferReplaces(self._calls[other], pjsua2.CallOpParam())

    def do_press(self, call: int, keys: str) -> None:
        self._calls[call].dialDtmf(keys)

    def do_speak(self, call: int) -> None:
        """Say a tone from now on, also after a hold."""
        chosen = self._calls[call]
        chosen.tone = pjsua2.ToneGenerator()
        chosen.tone.createToneGenerator()
        tone = pjsua2.ToneDesc()
        tone.freq1, tone.on_msec, tone.volume = TONE_HZ, TONE_MS, TONE_VOLUME
        tones = pjsua2.ToneDescVector()
        tones.append(tone)
        chosen.tone.play(tones, True)
        if chosen.audio is not None:
            chosen.tone.startTransmit(chosen.audio)

    def do_hang_up_all(self) -> None:
        self._endpoint.hangupAllCalls()


def _operation(code: int) -> Any:
    operation = pjsua2.CallOpParam()
    operation.statusCode = code
    return operation


def main(port: int, rings: bool) -> None:
    os.dup2(2, 1)
    agent = Agent(port, rings)
    report("started", port=agent.port)
    unread = b""
    while True:
        agent.tick()
        if not select.select([0], [], [], 0)[0]:
            continue
        received = os.read(0, 65536)
        if not received:
            agent.do_hang_up_all()
            for _ in range(20):
                agent.tick()
            os._exit(0)  # the library's own shutdown waits for seconds, and needs every object deleted in order
        *lines, unread = (unread + received).split(b"\n")
        for line in lines:
            agent.obey(json.loads(line))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "rings")
