"""A telephone for tests: real SIP and RTP over UDP on loopback, for callers and for operators' seats.

SIPp plays hundreds of callers by fixed times; this one reacts: it can wait until it has *heard* a certain prompt, and
then press a key. The line carries A-law end to end, so what arrives is compared byte by byte with the recording. One
background thread serves all calls of a telephone. Every wait has a deadline.
"""

from __future__ import annotations

import contextlib
import random
import re
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType

HOST = "127.0.0.1"
FRAME = 160  # bytes: 20 ms of A-law
SILENCE = b"\xd5" * FRAME
ALAW, EVENT = 8, 101
TONE_FRAMES = 6  # a key is held for 120 ms


class Telephone:
    """A SIP user agent on a UDP port of its own: dials, and rings when it is dialled."""

    def __init__(self, port: int = 0) -> None:
        self._socket = _udp(port)
        self.port: int = self._socket.getsockname()[1]
        self.calls: dict[str, Line] = {}
        self.incoming: list[Line] = []
        self.off: set[str] = set()  # users, such as "seat01", whose telephone has no power
        self.on_ring: Callable[[Line], None] | None = None  # called in the telephone's thread
        self.changed = threading.Condition()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._open = True
        self._thread = threading.Thread(target=self._serve, name=f"telephone-{self.port}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Telephone:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def dial(self, number: str, sip_port: int, *, caller: str | None = "0612345678", name: str = "") -> Line:
        """Call a number at the switch on loopback; `caller` None withholds the number.

        `caller` and `name` go onto the wire as they are; bytes that are no UTF-8 are written as surrogates ("\\udce9").
        """
        line = Line(self, f"{random.getrandbits(64):x}@test", outgoing=True, peer=(HOST, sip_port))
        line.remote_uri = f"sip:{number}@{HOST}:{sip_port}"
        user = "anonymous" if caller is None else caller
        domain = "anonymous.invalid" if caller is None else f"{HOST}:{self.port}"
        display = f'"{name}" ' if name else ('"Anonymous" ' if caller is None else "")
        line.local = f"{display}<sip:{user}@{domain}>;tag={line.tag}"
        line.remote = f"<{line.remote_uri}>"
        self._add(line)
        line.request("INVITE", body=line.offer(), extra="Privacy: id\r\n" if caller is None else "")
        return line

    def wait_ring(self, seconds: float = 10.0) -> Line:
        """The next call that rings here and has not been taken yet."""
        with self.changed:
            assert self.changed.wait_for(lambda: bool(self.incoming), seconds), "the telephone did not ring"
            return self.incoming.pop(0)

    def hang_up_all(self) -> None:
        for line in list(self.calls.values()):
            line.hang_up()
        self.incoming.clear()

    def close(self) -> None:
        self.hang_up_all()
        self._open = False
        self._thread.join(2)
        self._selector.close()
        self._socket.close()
        for line in self.calls.values():
            line.rtp.close()

    def send(self, text: str, peer: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(text.encode(errors="surrogateescape"), peer)

    def notify(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _add(self, line: Line) -> None:
        self.calls[line.call_id] = line
        self._selector.register(line.rtp, selectors.EVENT_READ, line)

    def _serve(self) -> None:
        tick = time.monotonic()
        while self._open:
            for key, _ in self._selector.select(max(0.0, tick - time.monotonic())):
                if key.data is None:
                    self._receive()
                else:
                    key.data.receive_audio()
            if (now := time.monotonic()) >= tick:
                tick = max(tick + 0.02, now - 0.2)
                for line in list(self.calls.values()):
                    line.tick(now)

    def _receive(self) -> None:
        with contextlib.suppress(OSError):
            data, peer = self._socket.recvfrom(65535)
            message = Message(data.decode(errors="replace"))
            if message.user in self.off:
                return
            line = self.calls.get(message.header("Call-ID"))
            if line is None and message.method == "INVITE":
                line = Line(self, message.header("Call-ID"), outgoing=False, peer=peer)
                self._add(line)
            if line is not None:
                line.receive(message, peer)
            elif message.method not in ("", "ACK"):
                self.send(message.response("481 Gone", ""), peer)
            self.notify()


class Message:
    """A SIP message, as far as a telephone needs to understand it."""

    def __init__(self, text: str) -> None:
        head, _, self.body = text.partition("\r\n\r\n")
        self.start, *self._lines = head.split("\r\n")
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else 0
        self.method = "" if self.status else self.start.split(" ")[0]

    def headers(self, name: str) -> list[str]:
        wanted = name.lower() + ":"
        return [line.split(":", 1)[1].strip() for line in self._lines if line.lower().startswith(wanted)]

    def header(self, name: str) -> str:
        return next(iter(self.headers(name)), "")

    @property
    def user(self) -> str:
        """The address of a request; "" for a response."""
        addressed = re.match(r"\S+ sip:([^@\s]+)@", self.start) if self.method else None
        return addressed[1] if addressed else ""

    @property
    def audio(self) -> tuple[str, int] | None:
        address = re.search(r"^c=IN IP4 (\S+)", self.body, re.M)
        port = re.search(r"^m=audio (\d+)", self.body, re.M)
        return (address[1], int(port[1])) if address and port else None

    def response(self, status: str, tag: str, extra: str = "", body: str = "") -> str:
        to = self.header("To")
        lines = [f"SIP/2.0 {status}", *(f"Via: {via}" for via in self.headers("Via"))]
        lines += [f"From: {self.header('From')}", f"To: {to}" + (f";tag={tag}" if tag and ";tag=" not in to else "")]
        lines += [f"Call-ID: {self.header('Call-ID')}", f"CSeq: {self.header('CSeq')}"]
        return "\r\n".join(lines) + f"\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"


class Line:
    """One call of a telephone: the audio in both directions, and the state of the call."""

    def __init__(self, telephone: Telephone, call_id: str, *, outgoing: bool, peer: tuple[str, int]) -> None:
        self.telephone, self.call_id, self.outgoing, self.peer = telephone, call_id, outgoing, peer
        self.tag = f"{random.getrandbits(48):x}"
        self.local = self.remote = self.remote_uri = ""
        self.rtp = _udp(0)
        self.heard = bytearray()
        self.answered = self.ended = False
        self.status = 0  # the last final response to our INVITE
        self._invite: Message | None = None
        self._audio_peer: tuple[str, int] | None = None
        self._frames: list[bytes] = []  # speech and tones still to be sent
        self._sequence = random.getrandbits(15)
        self._stamp = random.getrandbits(30)
        self._ssrc = random.getrandbits(32)
        self._cseq = 1
        self._branch = ""
        self._unconfirmed: tuple[str, float, float] | None = None  # text, when to send again, the next interval

    # actions of a test

    def answer(self) -> None:
        assert self._invite is not None and not self.outgoing
        contact = f"Contact: <sip:seat@{HOST}:{self.telephone.port}>\r\nContent-Type: application/sdp\r\n"
        self._transmit(self._invite.response("200 OK", self.tag, contact, self.offer()))
        self.answered = True

    @property
    def invited(self) -> Message:
        """The invitation by which somebody rang here."""
        assert self._invite is not None
        return self._invite

    @property
    def audio_peer(self) -> tuple[str, int] | None:
        """Where our sound is sent: address and port at the switch."""
        return self._audio_peer

    @property
    def confirmed(self) -> bool:
        """Whether the switch knows that we have answered."""
        return self.answered and self._unconfirmed is None

    def reject(self, status: str = "486 Busy Here") -> None:
        assert self._invite is not None
        self.telephone.send(self._invite.response(status, self.tag), self.peer)
        self.ended = True

    def hang_up(self) -> None:
        """Put the receiver down, whatever the state of the call."""
        if self.ended:
            return
        self.ended = True
        if self.answered:
            self.request("BYE")
        elif self.outgoing:
            self.request("CANCEL")
        self.telephone.notify()

    def press(self, keys: str, gap: float = 0.08) -> None:
        """Press keys, one after the other, as telephone-event tones."""
        for key in keys:
            event = "0123456789*#ABCD".index(key)
            self._frames += [self._event(event, frame) for frame in range(TONE_FRAMES + 2)]
            self._frames += [SILENCE] * max(1, round(gap / 0.02))

    def speak(self, sound: bytes) -> None:
        """Say raw A-law, 8000 bytes a second; the test goes on at once."""
        self._frames += [sound[n : n + FRAME].ljust(FRAME, b"\xd5") for n in range(0, len(sound), FRAME)]

    @property
    def quiet(self) -> bool:
        """Whether all speech and tones have been sent."""
        return not self._frames

    # waits of a test

    def wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        with self.telephone.changed:
            assert self.telephone.changed.wait_for(condition, seconds), f"waited {seconds} s for: {what}"

    def wait_answered(self, seconds: float = 10.0) -> None:
        self.wait(lambda: self.answered or self.ended, seconds, "an answer")
        assert self.answered, f"the call was refused: {self.status}"

    def wait_ended(self, seconds: float = 15.0) -> None:
        self.wait(lambda: self.ended, seconds, "the end of the call")

    def wait_quiet(self, seconds: float = 15.0) -> None:
        self.wait(lambda: self.quiet or self.ended, seconds, "everything said")

    def wait_heard(self, sound: bytes, seconds: float = 15.0) -> int:
        """Wait until this recording is being played to us; returns where it stands in what was heard."""
        mark, position, searched = _mark(sound), -1, 0

        def found() -> bool:
            nonlocal position, searched
            position = self.heard.find(mark, max(0, searched - len(mark)))
            searched = len(self.heard)
            return position >= 0 or self.ended

        self.wait(found, seconds, "a prompt")
        assert position >= 0, "the call ended before the prompt was heard"
        return position

    def has_heard(self, sound: bytes) -> bool:
        return _mark(sound) in self.heard

    # the wire

    def offer(self) -> str:
        port = self.rtp.getsockname()[1]
        return (
            f"v=0\r\no=- {port} 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {ALAW} {EVENT}\r\na=rtpmap:{ALAW} PCMA/8000\r\n"
            f"a=rtpmap:{EVENT} telephone-event/8000\r\na=fmtp:{EVENT} 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        )

    def request(self, method: str, body: str = "", extra: str = "") -> None:
        if method not in ("ACK", "CANCEL"):
            self._cseq += 1
        if method != "CANCEL" and not (method == "ACK" and self.status >= 300):  # these belong to the INVITE before
            self._branch = f"z9hG4bK{random.getrandbits(48):x}"
        content = "Content-Type: application/sdp\r\n" if body else ""
        text = (
            f"{method} {self.remote_uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {HOST}:{self.telephone.port};branch={self._branch};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: {self.local}\r\nTo: {self.remote}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {self._cseq} {method}\r\nContact: <sip:phone@{HOST}:{self.telephone.port}>\r\n"
            f"{extra}{content}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        if method == "ACK":
            self.telephone.send(text, self.peer)
        else:
            self._transmit(text)

    def _transmit(self, text: str) -> None:
        self._unconfirmed = (text, time.monotonic() + 0.5, 1.0)
        self.telephone.send(text, self.peer)

    def receive(self, message: Message, peer: tuple[str, int]) -> None:
        if message.status:
            self._receive_response(message)
        elif message.method == "INVITE":
            self._receive_invite(message)
        elif message.method == "ACK":
            self._unconfirmed = None
        else:
            self.telephone.send(message.response("200 OK", self.tag), peer)
            if message.method == "CANCEL" and self._invite is not None and not self.answered:
                self._transmit(self._invite.response("487 Request Terminated", self.tag))
            if message.method in ("BYE", "CANCEL"):
                self.ended = True

    def _receive_invite(self, message: Message) -> None:
        self._audio_peer = message.audio or self._audio_peer
        if self._invite is None:
            self._invite = message
            self.remote, self.local = message.header("From"), f"{message.header('To')};tag={self.tag}"
            self.remote_uri = _uri(message.header("Contact"))
            self.telephone.send(message.response("180 Ringing", self.tag), self.peer)
            self.telephone.incoming.append(self)
            if self.telephone.on_ring is not None:
                self.telephone.on_ring(self)
        elif self.answered:  # a re-INVITE: the same terms as before
            content = f"Contact: <sip:seat@{HOST}:{self.telephone.port}>\r\nContent-Type: application/sdp\r\n"
            self.telephone.send(message.response("200 OK", self.tag, content, self.offer()), self.peer)

    def _receive_response(self, message: Message) -> None:
        if message.status < 200:
            if "INVITE" in message.header("CSeq"):
                self._unconfirmed = None
            return
        self._unconfirmed = None
        if "INVITE" not in message.header("CSeq") or not self.outgoing:
            return
        self.status = message.status
        self.remote = message.header("To")
        if message.status < 300:
            self.remote_uri = _uri(message.header("Contact")) or self.remote_uri
            self._audio_peer = message.audio or self._audio_peer
            self.request("ACK")
            if self.ended:  # we hung up while the answer was on its way
                self.request("BYE")
            self.answered = not self.ended
        else:
            self.request("ACK")
            self.ended = True

    def receive_audio(self) -> None:
        with contextlib.suppress(OSError):
            packet = self.rtp.recv(2048)
            if len(packet) > 12 and packet[1] & 0x7F == ALAW:
                self.heard += packet[12:]
                if len(self.heard) % (FRAME * 5) < FRAME:
                    self.telephone.notify()

    def tick(self, now: float) -> None:
        """Send a frame of audio, every 20 ms, and repeat an unconfirmed message."""
        if self._unconfirmed is not None and now >= self._unconfirmed[1]:
            text, _, interval = self._unconfirmed
            self._unconfirmed = (text, now + interval, interval * 2) if interval < 8 else None
            self.telephone.send(text, self.peer)
        if self.answered and not self.ended and self._audio_peer is not None:
            frame = self._frames.pop(0) if self._frames else SILENCE
            if not self._frames:
                self.telephone.notify()
            self._send_frame(frame)

    def _send_frame(self, frame: bytes) -> None:
        assert self._audio_peer is not None
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._stamp = (self._stamp + FRAME) & 0xFFFFFFFF
        kind, stamp = ALAW, self._stamp
        if len(frame) == 6:  # a tone: event, end, duration, and how many frames ago it began
            kind, back = EVENT, struct.unpack("!H", frame[4:])[0]
            stamp, frame = (self._stamp - back * FRAME) & 0xFFFFFFFF, frame[:4]
        header = struct.pack("!BBHII", 0x80, kind, self._sequence, stamp, self._ssrc)
        with contextlib.suppress(OSError):
            self.rtp.sendto(header + frame, self._audio_peer)

    @staticmethod
    def _event(event: int, frame: int) -> bytes:
        end = 0x80 if frame >= TONE_FRAMES - 1 else 0
        return struct.pack("!BBHH", event, end | 10, FRAME * (min(frame, TONE_FRAMES - 1) + 1), frame)


def _udp(port: int) -> socket.socket:
    created = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    created.setblocking(False)
    created.bind((HOST, port))
    return created


def _uri(contact: str) -> str:
    found = re.search(r"<([^>]+)>", contact)
    return found[1] if found else contact


def _mark(sound: bytes) -> bytes:
    """A tenth of a second that identifies the recording: the one with most changes near the beginning."""
    length = 800
    candidates = range(0, max(1, min(len(sound), 16000) - length), 400)
    best = max(candidates, key=lambda at: len(set(sound[at : at + length])))
    return sound[best : best + length]
