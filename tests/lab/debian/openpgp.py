"""A key that signs as a Debian archive does, so that the tests of signatures need no gpg and leave no agent behind.

Just as much of RFC 4880 as it takes: one RSA key, its own certification, and messages signed in clear text. The key is
the same on every run: two primes a little above two hashes.
"""

from __future__ import annotations

import base64
import hashlib

CREATED = 1_700_000_000
NAME = b"Archivio di prova"
_RSA, _SHA256, _EXPONENT = 1, 8, 65537
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 3447: what follows is a SHA-256


def _prime(seed: bytes, distance: int) -> int:
    return (int.from_bytes(hashlib.shake_256(seed).digest(128), "big") | 3 << 1022 | 1) + distance


_P, _Q = _prime(b"first prime", 324), _prime(b"second prime", 458)
_N = _P * _Q
_D = pow(_EXPONENT, -1, (_P - 1) * (_Q - 1))


def keyring() -> bytes:
    """The public key, as a keyring file."""
    certified = b"\x99" + len(_KEY).to_bytes(2, "big") + _KEY + b"\xb4" + len(NAME).to_bytes(4, "big") + NAME
    flags = _subpacket(27, b"\x03")  # it may certify and sign
    return _packet(6, _KEY) + _packet(13, NAME) + _packet(2, _signature(0x13, certified, flags))


def clear_signed(text: str) -> str:
    """The text with its signature, as in InRelease. It must not begin a line with a dash."""
    lines = [line.rstrip() for line in text.rstrip("\n").split("\n")]
    packet = _packet(2, _signature(0x01, "\r\n".join(lines).encode(), b""))
    armored = base64.encodebytes(packet).decode() + "=" + base64.b64encode(_crc24(packet)).decode()
    return (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
        + "\n".join(lines)
        + f"\n-----BEGIN PGP SIGNATURE-----\n\n{armored}\n-----END PGP SIGNATURE-----\n"
    )


def _signature(kind: int, data: bytes, further: bytes) -> bytes:
    hashed = _subpacket(2, CREATED.to_bytes(4, "big")) + _subpacket(33, b"\x04" + _FINGERPRINT) + further
    head = bytes([4, kind, _RSA, _SHA256]) + len(hashed).to_bytes(2, "big") + hashed
    digest = hashlib.sha256(data + head + b"\x04\xff" + len(head).to_bytes(4, "big")).digest()
    unhashed = _subpacket(16, _FINGERPRINT[-8:])
    padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(_DIGEST_INFO) - 32) + b"\x00" + _DIGEST_INFO + digest
    number = pow(int.from_bytes(padded, "big"), _D, _N)
    return head + len(unhashed).to_bytes(2, "big") + unhashed + digest[:2] + _mpi(number)


def _mpi(number: int) -> bytes:
    return number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _subpacket(kind: int, content: bytes) -> bytes:
    return bytes([len(content) + 1, kind]) + content


def _packet(tag: int, content: bytes) -> bytes:
    return bytes([0x80 | tag << 2 | 1]) + len(content).to_bytes(2, "big") + content


def _crc24(data: bytes) -> bytes:
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    return (crc & 0xFFFFFF).to_bytes(3, "big")


_KEY = b"\x04" + CREATED.to_bytes(4, "big") + bytes([_RSA]) + _mpi(_N) + _mpi(_EXPONENT)
_FINGERPRINT = hashlib.sha1(b"\x99" + len(_KEY).to_bytes(2, "big") + _KEY).digest()  # what version 4 keys are named by
