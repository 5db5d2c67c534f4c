"""Compiling config/: content, revision, defaults, and what is left after a failure."""

from __future__ import annotations

import datetime
import math
import os
import stat
from pathlib import Path
from typing import Any, get_args, get_type_hints, is_typeddict

import msgspec
import pytest

from charter.calendar import OpeningHours
from common.places import Places
from ivr.configuration import compiled as runtime
from ivr.configuration import compiled_types, service
from tests.ivr.edited_config import CLOSURES, EditedConfig


def test_compiled_document_has_exactly_the_fields_of_its_types(config: EditedConfig) -> None:
    config.edit("service", CLOSURES, "extra_closures: [{first: 2026-12-24, last: 2026-12-24, reason: Chiusura}]")
    service.compile(config.places)
    document = runtime.load(config.places.compiled)
    conforms(document, compiled_types.Compiled, "")
    kinds = {node["kind"] for node in document["menu"]["nodes"].values()}
    assert kinds >= {"hours", "play", "notice", "ask", "inform", "queue", "message", "hangup"}


def conforms(value: Any, wanted: Any, where: str) -> None:
    """Check that a value is what a type says; of a TypedDict, with exactly its keys."""
    if wanted == compiled_types.Node:
        wanted = next(each for each in get_args(wanted) if get_args(get_type_hints(each)["kind"]) == (value["kind"],))
    elif wanted == compiled_types.Prompt:
        wanted = compiled_types.SayToken if isinstance(value, dict) else str
    elif isinstance(value, dict) and type(None) in get_args(wanted):
        wanted = next(each for each in get_args(wanted) if each is not type(None))
    if is_typeddict(wanted):
        types = get_type_hints(wanted)
        assert set(value) == set(types), where
        for key, item in value.items():
            conforms(item, types[key], f"{where}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            conforms(item, get_args(wanted)[0], f"{where}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            conforms(item, get_args(wanted)[1], f"{where}.{key}")
    else:
        msgspec.convert(value, wanted)


def test_compiling_writes_one_file_that_everybody_may_read(config: EditedConfig) -> None:
    service.compile(config.places)
    assert os.listdir(config.places.var) == ["compiled.json"]
    assert stat.S_IMODE(os.stat(config.places.compiled).st_mode) == 0o644
    document = runtime.load(config.places.compiled)
    assert document["paths"]["socket"] == config.places.socket
    assert document["paths"]["facts"] == config.places.facts
    assert OpeningHours.of(document["service"]).is_open(1795424400.0)  # 2026-11-23 10:00 in Rome


def test_the_revision_changes_with_the_content_and_only_with_it(config: EditedConfig, tmp_path: Path) -> None:
    first = service.compile(config.places)["revision"]
    assert service.compile(config.places)["revision"] == first
    elsewhere = Places(config=config.places.config, var=str(tmp_path / "other"))
    assert service.compile(elsewhere)["revision"] == first
    config.edit("service", "longest_wait: 600", "longest_wait: 601")
    assert service.compile(config.places)["revision"] != first


def test_defaults_are_filled_in(config: EditedConfig) -> None:
    config.edit("menu", "    wait_seconds: 5\n    attempts: 2\n", "")
    config.edit("service", "survey:\n  offered: true\n", "")
    registry = config.path("service").read_text(encoding="utf-8").partition("\nregistry:\n")[2].partition("\n\n")[0]
    config.edit("service", registry, "  {}")
    document = service.compile(config.places)
    node = document["menu"]["nodes"]["argomenti"]
    assert node["kind"] == "ask" and (node["wait_seconds"], node["attempts"]) == (5, 3)
    assert document["service"]["survey"] == {"offered": True}
    assert document["service"]["registry"] == {"third_level": False, "open_days": 5, "waiting_days": 15}


def test_seconds_come_from_the_audio_or_else_from_the_text(config: EditedConfig) -> None:
    os.remove(config.places.audio)
    os.mkdir(config.places.audio)
    Path(config.places.audio, "welcome.alaw").write_bytes(b"\xd5" * 20_000)
    Path(config.places.audio, "topics.alaw").write_bytes(b"")
    sheets = service.compile(config.places)["prompts"]
    assert sheets["welcome"]["seconds"] == 2.5
    assert math.isclose(sheets["topics"]["seconds"], len(sheets["topics"]["text"]) / 14, abs_tol=0.001)


def test_a_configuration_with_errors_is_not_compiled_and_the_old_one_is_kept(config: EditedConfig) -> None:
    service.compile(config.places)
    before = Path(config.places.compiled).read_bytes()
    config.edit("menu", "start: orario", "start: orari")
    config.edit("service", "seats: 12", "seats: 0")
    with pytest.raises(service.ConfigurationError) as caught:
        service.compile(config.places)
    assert len(caught.value.problems) == len(str(caught.value).splitlines()) == 2
    assert Path(config.places.compiled).read_bytes() == before


def test_a_failed_write_leaves_no_files(config: EditedConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    service.compile(config.places)
    before = Path(config.places.compiled).read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        service.compile(config.places)
    assert os.listdir(config.places.var) == ["compiled.json"]
    assert Path(config.places.compiled).read_bytes() == before


def test_dates_may_be_quoted_or_not(config: EditedConfig) -> None:
    config.edit("service", CLOSURES, 'extra_closures: [{first: "2026-12-24", last: 2026-12-24, reason: x}]')
    closure = service.load(config.places).service.holidays.extra_closures[0]
    assert closure.first == closure.last == datetime.date(2026, 12, 24)


def test_examine_accepts_values_that_are_not_in_the_files() -> None:
    def fewer(name: str, value: Any) -> Any:
        return {**value, "queue": {**value["queue"], "seats": 0}} if name == "service" else value

    configuration, problems = service.examine(Places(), fewer)
    assert configuration is None
    assert [each.path for each in problems] == ["queue.seats"]
    unchanged, _ = service.examine(Places())
    assert unchanged is not None
    assert unchanged.service.queue.seats == 12
