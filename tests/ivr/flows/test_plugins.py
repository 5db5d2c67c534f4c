"""Flows and housekeeping are found by their entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from ivr.flows import plugins
from ivr.flows.menu import menu
from ivr.flows.plugins import GROUP, PluginError, installed_flows, load_plugins
from ivr.flows.survey import survey
from ivr.server.engine import HOOK_GROUP
from voicemail.native import housekeeping


def with_points(monkeypatch: pytest.MonkeyPatch, *values: tuple[str, str]) -> None:
    points = [EntryPoint(name, value, GROUP) for name, value in values]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)


def test_every_flow_that_the_dialplan_asks_for_is_installed() -> None:
    found = installed_flows()
    assert set(found) >= {"menu", "survey", "notice", "ended", "voicemail"}
    assert found["menu"] is menu
    assert found["survey"] is survey


def test_the_housekeeping_of_voicemail_is_installed() -> None:
    assert load_plugins(HOOK_GROUP)["voicemail"] is housekeeping


def test_nothing_installed_is_an_error_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with_points(monkeypatch)
    with pytest.raises(PluginError, match=r"`pip install -e .`.*egg-info"):
        installed_flows()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("ivr.nonesuch:menu", "No module named 'ivr.nonesuch'; reinstall"),
        ("ivr.flows.menu:nonesuch", "has no attribute 'nonesuch'; reinstall"),
        ("ivr.flows.menu:OTHER_TOPIC", "is a str, not a function"),
    ],
)
def test_an_entry_point_without_a_target_is_named(monkeypatch: pytest.MonkeyPatch, value: str, message: str) -> None:
    with_points(monkeypatch, ("menu", value))
    with pytest.raises(PluginError) as raised:
        installed_flows()
    assert f"menu = {value}" in str(raised.value)
    assert message in str(raised.value)


def test_two_packages_with_the_same_flow_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with_points(monkeypatch, ("menu", "ivr.flows.menu:menu"), ("menu", "other.flow:menu"))
    with pytest.raises(PluginError, match=r"two packages install 'menu': ivr\.flows\.menu:menu and other\.flow:menu"):
        installed_flows()


def test_the_same_entry_point_twice_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with_points(monkeypatch, ("menu", "ivr.flows.menu:menu"), ("menu", "ivr.flows.menu:menu"))
    assert installed_flows() == {"menu": menu}
