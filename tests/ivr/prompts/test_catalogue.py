"""What callers hear: the shipped audio, the catalogue's states, and the commands around them."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from common.places import Places
from ivr import cli
from ivr.prompts import catalogue, sound, voices
from tests.ivr.prompts.test_sound import pcm, tone

TEXTS = """\
prompts:
  welcome: {text: "Buongiorno a tutti.", version: 1}
  digits/3: {text: "tre", version: 1}
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A site with two prompts and no audio."""
    config = tmp_path / "config"
    (config / "prompts").mkdir(parents=True)
    (config / "prompts.yaml").write_text(TEXTS)
    return Places(str(config), str(tmp_path / "var"))


@pytest.fixture
def ivr(places: Places) -> Callable[..., int]:
    def run(*words: str) -> int:
        return cli.main(["--config", places.config, "--var", places.var, "prompts", *words])

    return run


@pytest.fixture
def studio(tmp_path: Path) -> str:
    return pcm(tmp_path / "studio.wav", tone(500, 16000, 1.0), 16000)


def states(places: Places) -> dict[str, str]:
    return {status.id: status.state for status in catalogue.statuses(places)}


def retext(places: Places, old: str, new: str) -> None:
    path = Path(places.config, "prompts.yaml")
    path.write_text(path.read_text().replace(old, new))


def speech(seconds: float) -> bytes:
    return sound.telephone(tone(300, 8000, seconds), 8000)


# --- the shipped prompts ---------------------------------------------------------------------------------------------


def test_every_shipped_prompt_has_audio_of_its_text_fit_for_the_telephone() -> None:
    assert catalogue.findings(Places()) == []
    assert catalogue.missing(Places()) == []


def test_the_shipped_audio_is_small_and_starts_and_ends_with_silence() -> None:
    total = 0
    for sheet in catalogue.statuses(Places()):
        if sheet.state == "setting is null":
            continue
        samples = sound.decode(Path(sheet.path).read_bytes())
        total += len(samples)
        edge = round(0.04 * sound.RATE)
        assert max(map(abs, samples[:edge] + samples[-edge:])) <= 64, sheet.id
    assert total < 5_000_000


def test_every_sound_that_asterisk_joins_to_italian_numbers_and_dates_is_there() -> None:
    names = [*map(str, range(21)), "21", "28", *(f"{tens}{unit}" for tens in range(3, 10) for unit in (0, 1, 8))]
    names += ["hundred", "thousand", "thousands", "million", "millions", "minus", "oh", "star", "pound"]
    names += [f"day-{day}" for day in range(7)] + [f"mon-{month}" for month in range(12)]
    names += ["ore-mezzanotte", "ore-una", "ore-1900", "ore-2000", "a-m", "p-m", "today", "yesterday"]
    prompt_texts = catalogue.load(Places())
    assert [name for name in names if f"digits/{name}" not in prompt_texts] == []


def test_texts_are_short_and_easy_to_hear() -> None:
    for prompt in catalogue.load(Places()).values():
        assert not re.search(r"www\.|http|&|/|\(|\bpremi\b|\btuo\b", prompt.text), prompt.id
        for sentence in re.split(r"[.:!?]", prompt.text):
            assert len(sentence.split()) <= 33, f"{prompt.id}: too long to be followed by ear: {sentence}"


def test_information_is_not_too_long() -> None:
    for sheet in catalogue.statuses(Places()):
        if sheet.id.startswith("info-"):
            assert sheet.seconds is not None and 15 <= sheet.seconds <= 25, sheet.id


# --- the states ------------------------------------------------------------------------------------------------------


def test_the_life_of_a_prompt(places: Places) -> None:
    assert states(places) == {"welcome": "no audio", "digits/3": "no audio"}
    assert catalogue.missing(places) == ["welcome", "digits/3"]
    for prompt in catalogue.load(places).values():
        catalogue.keep(places, prompt, speech(1.0), "some voice")
    assert states(places) == {"welcome": "ok", "digits/3": "ok"}
    assert catalogue.missing(places) == []

    retext(places, "a tutti", "a tutte e a tutti")
    assert states(places) == {"welcome": "text newer than audio", "digits/3": "ok"}
    catalogue.keep(places, catalogue.load(places)["welcome"], speech(1.0), "some voice")
    assert states(places)["welcome"] == "ok"
    retext(places, 'tutti.", version: 1', 'tutti.", version: 2')  # the same words, to be said in another way
    assert states(places)["welcome"] == "text newer than audio"

    retext(places, "digits/3", "digits/4")
    assert states(places)["digits/3"] == "audio without text"
    assert states(places)["digits/4"] == "no audio"


def test_line_breaks_do_not_make_a_text_newer(places: Places) -> None:
    catalogue.keep(places, catalogue.load(places)["welcome"], speech(1.0), "some voice")
    retext(places, '"Buongiorno a tutti."', '"Buongiorno\n      a tutti."')
    assert states(places)["welcome"] == "ok"


def test_a_file_put_there_by_hand_is_a_studio_recording(places: Places) -> None:
    welcome = catalogue.load(places)["welcome"]
    path = Path(catalogue.keep(places, welcome, speech(1.0), "some voice"))
    assert not catalogue.is_studio(places, "welcome")
    path.write_bytes(speech(1.2))
    assert states(places)["welcome"] == "studio recording"
    assert catalogue.is_studio(places, "welcome")


def test_an_interruption_while_keeping_leaves_no_audio_rather_than_a_false_studio_recording(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    welcome = catalogue.load(places)["welcome"]
    path = catalogue.keep(places, welcome, speech(1.0), "some voice")
    place = os.replace

    def power_cut(source: str, target: str) -> None:
        if target == path:
            raise OSError("power cut")
        place(source, target)

    monkeypatch.setattr(os, "replace", power_cut)
    with pytest.raises(OSError, match="power cut"):
        catalogue.keep(places, welcome, speech(1.5), "some voice")
    assert states(places)["welcome"] == "no audio"
    assert [name for name in os.listdir(places.audio) if name.startswith(".")] == []


def test_findings_name_the_file_and_the_remedy(places: Places) -> None:
    prompt_texts = catalogue.load(places)
    catalogue.keep(places, prompt_texts["welcome"], speech(9.0), "some voice")
    Path(places.audio, "stray.alaw").write_bytes(speech(1.0))
    long, absent, stray = catalogue.findings(places)
    assert "welcome.alaw" in long and "9.1 s do not fit its text" in long
    assert "3.alaw: no audio" in absent and "ivr prompts synthesise digits/3" in absent
    assert "stray.alaw: audio without text" in stray and "delete the file" in stray


@pytest.mark.parametrize(("gain", "said"), [(0.05, "its level is -4"), (40.0, "its level is ")])
def test_a_recording_of_another_level_is_found(places: Places, gain: float, said: str) -> None:
    path = catalogue.keep(places, catalogue.load(places)["welcome"], speech(1.0), "some voice")
    Path(path).write_bytes(sound.encode([gain * sample for sample in sound.decode(Path(path).read_bytes())]))
    assert [finding for finding in catalogue.findings(places) if said in finding and "welcome.alaw" in finding]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("prompts: {}", "no prompts"),
        ("- a list", "no prompts"),
        ("prompts: {a: text}", r"prompts\.a: write"),
        ("prompts: {a: {version: 1}}", r"prompts\.a\.text"),
        ("prompts: {a: {text: ' '}}", r"prompts\.a\.text"),
        ("prompts: {a: {text: Ciao, version: 0}}", r"prompts\.a\.version: 0"),
        ("prompts: {a: {text: Ciao, version: true}}", r"prompts\.a\.version"),
        ("prompts: {a: {text: Ciao, voice: x}}", r"prompts\.a\.voice: unknown"),
        ("prompts: {../a: {text: Ciao}}", "an id is a name"),
        ("prompts: {a/../../b: {text: Ciao}}", "an id is a name"),
        ("prompts: [", "prompts.yaml"),
    ],
)
def test_a_mistake_in_the_texts_is_named(places: Places, content: str, said: str) -> None:
    Path(places.config, "prompts.yaml").write_text(content)
    with pytest.raises(catalogue.PromptError, match=said):
        catalogue.load(places)


@pytest.mark.parametrize("content", ["not json", "[]", '{"welcome": {}}', '{"welcome": 3}'])
def test_a_damaged_made_json_is_reported(places: Places, content: str) -> None:
    Path(places.audio, "made.json").write_text(content)
    with pytest.raises(catalogue.PromptError, match=r"made\.json.*version control"):
        catalogue.statuses(places)


# --- the commands ----------------------------------------------------------------------------------------------------


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with only the programs that a test adds."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text("#!/bin/sh\n" + script + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_list_shows_length_state_and_text(
    ivr: Callable[..., int], capsys: pytest.CaptureFixture[str], places: Places
) -> None:
    catalogue.keep(places, catalogue.load(places)["welcome"], speech(1.0), "some voice")
    assert ivr() == ivr("list") == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.split() == ["welcome", "1.1", "s", "ok", "Buongiorno", "a", "tutti."]
    assert second.split() == ["digits/3", "-", "s", "no", "audio", "tre"]
    assert ivr("list", "--work") == 0
    assert "welcome" not in capsys.readouterr().out


def test_an_unknown_id_gets_a_suggestion(ivr: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert ivr("list", "welcom") == 1
    assert "prompts.yaml: no prompt is named 'welcom'; did you mean 'welcome'?" in capsys.readouterr().err


def test_check_has_an_exit_status(ivr: Callable[..., int], places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert ivr("check") == 1
    assert "2 to correct" in capsys.readouterr().out
    for prompt in catalogue.load(places).values():
        catalogue.keep(places, prompt, speech(1.0), "some voice")
    assert ivr("check") == 0


def test_a_missing_voice_is_reported_with_every_remedy(
    ivr: Callable[..., int], programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ivr("synthesise") == 1
    said = capsys.readouterr().err
    assert "no voice on this machine" in said
    assert all(
        remedy in said for remedy in ("fetch-voice", "libttspico-utils", "espeak-ng", "ivr prompts adopt FILE ID")
    )
    assert ivr("synthesise", "--voice", "pico") == 1
    assert "the voice pico is not on this machine; `apt install" in capsys.readouterr().err
    assert ivr("synthesise", "--voice", "carlo") == 1
    assert "no voice is named 'carlo'" in capsys.readouterr().err


def test_synthesis_makes_what_is_missing_or_older_and_nothing_else(
    ivr: Callable[..., int], programs: Path, places: Places, studio: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program(programs, "espeak-ng", f'/bin/cat >> "{programs}/said"; /bin/cp "{studio}" "$6"')  # -v it -s 150 -w PATH
    assert ivr("synthesise") == 0
    assert states(places) == {"welcome": "ok", "digits/3": "ok"}
    assert (programs / "said").read_text() == "Buongiorno a tutti.tre"
    assert catalogue.seconds(catalogue.audio_path(places, "welcome")) == pytest.approx(1.1, abs=0.07)
    capsys.readouterr()
    assert ivr("synthesise") == 0
    assert "nothing to do" in capsys.readouterr().out
    retext(places, "tre", "tré")
    assert ivr("synthesise", "--voice", "espeak") == 0
    assert (programs / "said").read_text() == "Buongiorno a tutti.tretré"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo no such voice >&2; exit 3", "no such voice"),
        ("exit 0", "it wrote no sound"),
        ('echo x > "$6"', "save it as"),
    ],
)
def test_a_voice_that_fails_changes_nothing(
    ivr: Callable[..., int], programs: Path, places: Places, capsys: pytest.CaptureFixture[str], script: str, said: str
) -> None:
    program(programs, "espeak-ng", script)
    assert ivr("synthesise", "welcome") == 1
    assert said in capsys.readouterr().err
    assert states(places)["welcome"] == "no audio"


def test_a_silent_voice_is_reported(places: Places) -> None:
    def speak(texts: Sequence[str]) -> Iterator[tuple[list[float], int]]:
        return (([0.0] * 8000, 8000) for _ in texts)

    with pytest.raises(voices.VoiceError, match="mute gave no sound for 'Ciao'"):
        list(voices.telephone(voices.Voice("mute", speak), [catalogue.Prompt("ciao", "Ciao", 1)]))


def test_a_studio_recording_is_taken_in_and_never_overwritten(
    ivr: Callable[..., int], programs: Path, places: Places, studio: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program(programs, "espeak-ng", f'/bin/cp "{studio}" "$6"')
    assert ivr("adopt", studio, "welcome") == 0
    recorded = Path(catalogue.audio_path(places, "welcome")).read_bytes()
    assert states(places)["welcome"] == "studio recording"
    retext(places, "Buongiorno", "Buonasera")
    assert states(places)["welcome"] == "studio, text newer"
    assert ivr("synthesise") == 0
    assert Path(catalogue.audio_path(places, "welcome")).read_bytes() == recorded
    capsys.readouterr()
    assert ivr("synthesise", "welcome") == 1
    assert "welcome is a studio recording and is kept" in capsys.readouterr().err
    assert ivr("adopt", studio, "welcome") == 0
    assert states(places)["welcome"] == "studio recording"


def test_adopting_a_file_without_sound_is_refused(
    ivr: Callable[..., int], tmp_path: Path, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ivr("adopt", pcm(tmp_path / "still.wav", [0.0] * 8000, 8000), "welcome") == 1
    assert "still.wav: nothing but silence" in capsys.readouterr().err
    assert ivr("adopt", str(tmp_path / "absent.wav"), "welcome") == 1
    assert "absent.wav" in capsys.readouterr().err
    assert states(places)["welcome"] == "no audio"


def test_play_hands_a_pcm_wav_to_the_first_player(
    ivr: Callable[..., int], programs: Path, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ivr("play", "welcome") == 1
    assert "synthesise welcome" in capsys.readouterr().err
    path = catalogue.keep(places, catalogue.load(places)["welcome"], speech(1.0), "some voice")
    assert ivr("play", "welcome") == 1
    out, err = capsys.readouterr()
    assert out.strip() == path and "no player on this machine" in err
    program(programs, "aplay", f'/bin/cp "$2" "{programs}/played.wav"')
    assert ivr("play", "welcome") == 0
    played, rate = sound.read_wav(str(programs / "played.wav"))
    assert (played, rate) == (sound.decode(Path(path).read_bytes()), 8000)
    program(programs, "aplay", "exit 1")
    capsys.readouterr()
    assert ivr("play", "welcome") == 1
    assert "aplay could not play it" in capsys.readouterr().err


def test_a_list_may_be_closed_early() -> None:
    command = [sys.executable, "-m", "ivr.cli", "prompts", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        assert listing.stdout is not None and listing.stderr is not None
        listing.stdout.close()
        assert listing.stderr.read() == b""
    assert listing.returncode == 0


# --- Kokoro, without Kokoro ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("La DID online.", "La did onlàin."),
        ("dalle ore", "Dalle ore,"),
        ("tre", "Tre!"),
        ("La richiameremo a questo numero:", "La richiameremo a questo numero:"),
    ],
)
def test_texts_are_respelled_for_kokoro(text: str, said: str) -> None:
    assert voices.spelled(text) == said


def test_weights_of_another_digest_are_not_used(tmp_path: Path) -> None:
    with pytest.raises(voices.VoiceError, match=r"kokoro\.onnx: SHA-256 .* the upload changed: not used"):
        voices._place(str(tmp_path / "kokoro.onnx"), [b"something ", b"else"], voices.WEIGHTS_SHA256)
    assert os.listdir(tmp_path) == []


def kokoro(places: Places, script: str) -> voices.Voice:
    """The voice, with a shell script in place of the interpreter of its worker."""
    folder = Path(voices.kokoro_folder(places))
    (folder / "venv" / "bin").mkdir(parents=True)
    for name in ("kokoro.onnx", "if_sara.bin"):
        (folder / name).write_bytes(b"")
    program(folder / "venv" / "bin", "python", script)
    return voices.find("auto", places)


def test_kokoro_is_found_by_its_files_and_driven_line_by_line(places: Places, studio: str) -> None:
    voice = kokoro(places, f'while IFS=\\" read -r _ text _ path _; do cp "{studio}" "$path"; echo "$path"; done')
    assert voice.name == "kokoro if_sara"
    assert [rate for _, rate in voice.speak(["uno", "due", "tre"])] == [16000] * 3


def test_a_kokoro_that_dies_is_reported(places: Places) -> None:
    voice = kokoro(places, "read -r line; echo 'out of memory' >&2; exit 1")
    with pytest.raises(voices.VoiceError, match="Kokoro failed on 'uno': out of memory"):
        list(voice.speak(["uno", "due"]))
