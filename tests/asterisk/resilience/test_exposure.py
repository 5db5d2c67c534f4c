"""What a stranger on the same machine or network can reach of a running system: nothing but its own call."""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asterisk.support.call_steps import enter_queue, talking
from tests.asterisk.support.softphone import ALAW, FRAME
from tests.asterisk.support.system import BRIEF, System, running_system, wait_until

pytestmark = pytest.mark.switch

LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")  # /proc/net's form


@pytest.fixture(scope="module")
def running() -> Iterator[System]:
    with running_system(operators=2, prompt_bytes=BRIEF) as system:
        yield system


@pytest.fixture
def system(running: System) -> Iterator[System]:
    running.wait_idle()
    yield running
    running.hang_up_all()
    running.wait_idle()


def test_given_a_conversation_when_the_sockets_are_listed_then_all_are_bound_to_loopback(system: System) -> None:
    with talking(system, 1):
        pids = [system.stack.switch.pid, system.stack.engine.pid]
        bound = [address for pid in pids if pid for address in bound_addresses(pid)]
    ports = {int(address.split(":")[1], 16) for address in bound}
    assert {system.stack.sip_port, system.stack.switch.ports.ami, system.stack.engine.port} <= ports
    assert any(system.stack.switch.ports.rtp_first <= port <= system.stack.switch.ports.rtp_last for port in ports)
    # PJSIP asks name servers from one socket for IPv4 and one for IPv6, on ports that the kernel chooses.
    everywhere = {int(address.split(":")[1], 16) for address in bound if not address.startswith(LOOPBACK)}
    assert len(everywhere) <= 2
    assert everywhere.isdisjoint(range(system.stack.sip_port, system.stack.switch.ports.rtp_last + 1))


def bound_addresses(pid: int) -> list[str]:
    """The local ends of a process's sockets that wait for packets or connections, such as "0100007F:13C4"."""
    inodes = set()
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(entry.path)
        except FileNotFoundError:  # closed meanwhile
            continue
        if match := re.fullmatch(r"socket:\[(\d+)\]", target):
            inodes.add(match[1])
    rows = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (table.startswith("udp") or fields[3] == "0A"):
                rows.append(fields[1])
    return rows


def test_given_a_conversation_when_a_stranger_sends_sound_to_its_ports_then_nobody_hears_it(system: System) -> None:
    stranger = system.sound("info-did")
    own = system.sound("info-incentivi")
    with talking(system, 1) as pairs:
        visit, operator = pairs[0]
        for line, other in ((visit.line, operator), (operator, visit.line)):
            line.speak(own)
            other.wait_heard(own)  # both ports have learnt whom they listen to
            other.heard.clear()
        for line, other in ((visit.line, operator), (operator, visit.line)):
            assert line.audio_peer is not None
            for host in ("127.0.0.1", "127.0.0.2"):
                inject(stranger, line.audio_peer, host)
            line.speak(own)
            other.wait_heard(own)  # sound still passes
            assert not other.has_heard(stranger)


def inject(sound: bytes, peer: tuple[str, int], host: str) -> None:
    """Send sound to a port of the switch from a socket that takes no part in the call."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((host, 0))
        for number in range(0, len(sound), FRAME):
            header = struct.pack("!BBHII", 0x80, ALAW, number // FRAME, number, 0x5EED)
            stranger.sendto(header + sound[number : number + FRAME], peer)


def test_given_calls_were_made_when_other_users_look_then_no_log_or_recording_is_open_to_them(system: System) -> None:
    visit = enter_queue(system)
    visit.line.hang_up()
    system.wait_idle()
    wait_until(lambda: Path(system.stack.switch.log, "cdr-csv", "Master.csv").exists(), "the record of the call")
    places = [system.stack.switch.log, system.stack.switch.spool, system.places.facts, system.places.messages,
              system.places.native_messages]  # fmt: skip
    paths = [Path(place) for place in places] + [path for place in places for path in Path(place).rglob("*")]
    names = {path.name for path in paths}
    assert {"queue_log", "messages.log", "security.log", "Master.csv", "monitor"} <= names
    # The folders are closed; the files' own rights depend on the access list of the folder above the test's.
    folders = [path for path in paths if path.is_dir()] + [Path(system.stack.switch.folder)]
    assert [str(path) for path in folders if path.stat().st_mode & 0o007] == []
    status = Path(f"/proc/{system.stack.switch.pid}/status").read_text(encoding="ascii")
    assert re.search(r"^Umask:\s+0027$", status, re.MULTILINE)


def test_given_a_local_user_when_they_speak_to_the_engine_then_no_fact_comes_of_it(system: System) -> None:
    refused = system.metric("ivr_protocol_errors_total", kind="no_proof")
    known = system.call_ids()
    for script in ("menu", "ended?proof=00000000000000000000000000000000"):
        with socket.create_connection(("127.0.0.1", system.stack.engine.port), timeout=5) as stranger:
            stranger.sendall(
                f"agi_network_script: {script}\nagi_channel: PJSIP/x-1\nagi_uniqueid: 1.1\nagi_callerid: 0612345678\n"
                "agi_arg_1: 1795510800\nagi_arg_2: forged.1\nagi_arg_3: answered\n\n".encode()
            )
            assert stranger.recv(100) == b""  # closed without a command
    assert system.metric("ivr_protocol_errors_total", kind="no_proof") == refused + 2
    visit = enter_queue(system)  # the dialplan's own calls are taken, by the engine and not by the second ring
    visit.line.hang_up()
    system.wait_idle()
    assert system.call_ids() - known == {visit.id}
    assert system.metric("ivr_protocol_errors_total", kind="no_proof") == refused + 2
    record = Path(system.stack.switch.log, "cdr-csv", "Master.csv").read_text(encoding="utf-8")
    assert Path(system.places.var, "engine.key").read_text(encoding="ascii").strip() not in record


def test_given_a_guesser_when_passwords_are_wrong_then_the_security_log_names_account_and_address(
    system: System,
) -> None:
    custom = Path(system.stack.switch.etc, "pjsip_nul_custom.conf")
    custom.write_text(GUESSED, encoding="ascii")
    system.stack.switch.cli("module reload res_pjsip.so")
    log = Path(system.stack.switch.log, "security.log")
    wait_until(lambda: "guessed" in system.stack.switch.cli("pjsip list endpoints"), "the new endpoint")
    register(system.stack.sip_port, "guessed", "wrong")
    wait_until(lambda: "ChallengeResponseFailed" in log.read_text(), "the wrong password to be logged")
    (line,) = [line for line in log.read_text().splitlines() if "ChallengeResponseFailed" in line][-1:]
    assert 'AccountID="guessed"' in line and "127.0.0.2" in line


def test_given_the_guard_when_somebody_guesses_then_their_address_is_blocked_until_it_is_quiet(
    system: System,
) -> None:
    custom = Path(system.stack.switch.etc, "pjsip_nul_custom.conf")
    custom.write_text(GUESSED, encoding="ascii")
    system.stack.switch.cli("module reload res_pjsip.so")
    wait_until(lambda: "guessed" in system.stack.switch.cli("pjsip list endpoints"), "the new endpoint")
    command = [sys.executable, "-m", "ivr.cli", "--config", system.places.config, "--var", system.places.var]
    command += ["guard", "--attempts", "5", "--within", "30", "--block", "3"]
    blocked = Path(system.places.blocked)
    guard = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(blocked.exists, "the guard to start")

        def guessed() -> bool:
            register(system.stack.sip_port, "guessed", "wrong")
            return "deny = 127.0.0.2/32" in blocked.read_text(encoding="ascii")

        wait_until(guessed, "the guesser to be blocked")
        wait_until(
            lambda: register(system.stack.sip_port, "guessed", "correct-horse") != "200", "the right password to fail"
        )
        visit = enter_queue(system)  # others are not concerned
        visit.line.hang_up()
        wait_until(lambda: "deny" not in blocked.read_text(encoding="ascii"), "the end of the block", 30)
        wait_until(
            lambda: register(system.stack.sip_port, "guessed", "correct-horse") == "200", "the telephone to register"
        )
    finally:
        guard.terminate()
        _, errors = guard.communicate(timeout=10)
    assert guard.returncode == 0
    assert "127.0.0.2: blocked after wrong passwords" in errors and "127.0.0.2: no longer blocked" in errors


GUESSED = (
    "[guessed](nul-seat)\nauth = guessed\naors = guessed\n[guessed]\ntype = auth\nauth_type = userpass\n"
    "username = guessed\npassword = correct-horse\n[guessed](nul-seat-aor)\n"
)


def register(sip_port: int, user: str, password: str) -> str:
    """Try to register as `user` from 127.0.0.2; the status of the answer."""
    import hashlib

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    uri = f"sip:127.0.0.1:{sip_port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.2", 0))
        phone.settimeout(5)
        port = phone.getsockname()[1]
        authorization = ""
        for sequence in (1, 2):
            text = (
                f"REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:{port};branch=z9hG4bK{port}{sequence};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:{user}@127.0.0.1>;tag={port}\r\nTo: <sip:{user}@127.0.0.1>\r\n"
                f"Call-ID: {port}@guess\r\nCSeq: {sequence} REGISTER\r\nContact: <sip:{user}@127.0.0.2:{port}>\r\n"
                f"{authorization}Content-Length: 0\r\n\r\n"
            )
            phone.sendto(text.encode(), ("127.0.0.1", sip_port))
            answer = phone.recv(65535).decode()
            challenge = dict(re.findall(r'(\w+)="?([^",]+)"?', answer.partition("WWW-Authenticate: Digest ")[2]))
            if sequence == 1:
                first = md5(f"{user}:{challenge['realm']}:{password}")
                proof = md5(f"{first}:{challenge['nonce']}:00000001:cafe:auth:{md5(f'REGISTER:{uri}')}")
                authorization = (
                    f'Authorization: Digest username="{user}", realm="{challenge["realm"]}", uri="{uri}", '
                    f'nonce="{challenge["nonce"]}", response="{proof}", algorithm=MD5, cnonce="cafe", qop=auth, '
                    f'nc=00000001, opaque="{challenge.get("opaque", "")}"\r\n'
                )
    return answer.removeprefix("SIP/2.0 ").split()[0]
