"""The mistakes of a menu, each with its message; and the properties of every correct menu."""

# ruff: noqa: E501 - messages are written here as they are shown, in one line

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.places import Places
from ivr.configuration.menu import RESERVED_NAMES, Menu, check, edges, find_cycles, menu_prompts, reachable
from ivr.configuration.spoken_numbers import find_numbers, key_name
from tests.ivr.edited_config import EditedConfig

# what is changed in menu.yaml -> what is said of it, after "config/menu.yaml: "
MISTAKES = [
    ("next: avviso", "next: avvizo", 'nodes.benvenuto.next: no node named "avvizo"; did you mean "avviso"?'),
    ("start: orario", "start: orari", 'start: no node named "orari"; did you mean "orario"?'),
    (
        "kind: notice",
        "kind: notise",
        'nodes.avviso.kind: "notise" is not one of hours, play, notice, ask, inform, number, queue, message, hangup; '
        'did you mean "notice"?',
    ),
    (
        "    kind: notice\n",
        "",
        "nodes.avviso.kind: missing; write one of hours, play, notice, ask, inform, number, queue, message, hangup",
    ),
    ("attempts: 2", "attemps: 3", 'nodes.argomenti.attemps: unknown key; did you mean "attempts"?'),
    (
        "attempts: 2",
        "colour: red",
        "nodes.argomenti.colour: unknown key; known here: prompts, keys, no_input, wrong_input, repeat_key, "
        "wait_seconds, attempts, retry_prompts",
    ),
    ("attempts: 2", "attempts: 30", "nodes.argomenti.attempts: must be a whole number from 1 to 9, not 30"),
    ("attempts: 2", "attempts: yes", 'nodes.argomenti.attempts: must be a whole number from 1 to 9, not "yes"'),
    ("wait_seconds: 5", "wait_seconds: .inf", "nodes.argomenti.wait_seconds: must be a number from 1 to 60, not inf"),
    ("wait_seconds: 5", "wait_seconds: .nan", "nodes.argomenti.wait_seconds: must be a number from 1 to 60, not nan"),
    (
        "wait_seconds: 5",
        'wait_seconds: "5"',
        'nodes.argomenti.wait_seconds: must be a number from 1 to 60, not "5"; write it without quotes: 5',
    ),
    (
        '"1": adr',
        "1: adr",
        'nodes.argomenti.keys.1: a key here must be one key of 0123456789*#; write it in quotes: "1"',
    ),
    ('"1": adr', '"A": adr', "nodes.argomenti.keys.A: a key here must be one key of 0123456789*#"),
    ('"1": adr', '"12": adr', "nodes.argomenti.keys.12: a key here must be one key of 0123456789*#"),
    (
        'repeat_key: "*"',
        "repeat_key: *",
        "line 44, column 18: not YAML: while scanning an alias did not find expected alphabetic or numeric character; "
        'a text that starts with * or & needs quotes: "*"',
    ),
    (
        'repeat_key: "*"',
        'repeat_key: "1"',
        'nodes.argomenti.repeat_key: "1" already leads to "adr" in keys; choose a free key',
    ),
    ('"1": adr', '"1": adr\n      "1": did', 'line 41: "1" was already written in line 40; keep one of them'),
    (
        "[welcome]",
        "[welcom]",
        'nodes.benvenuto.prompts[0]: no prompt "welcom" in prompts.yaml; did you mean "welcome"?',
    ),
    ("[welcome]", "[saluto]", 'nodes.benvenuto.prompts[0]: no prompt "saluto" in prompts.yaml; add its text there'),
    ("[welcome]", "[]", "nodes.benvenuto.prompts: must have from 1 to 20 entries, not 0"),
    ("[welcome]", "welcome", 'nodes.benvenuto.prompts: must be a list, not "welcome"; write it in brackets: [...]'),
    (
        "[welcome]",
        "[{say: next_openings}]",
        'nodes.benvenuto.prompts[0].say: must be "next_opening" or "opening_hours", not "next_openings"; '
        'did you mean "next_opening"?',
    ),
    (
        "[welcome]",
        "[5]",
        "nodes.benvenuto.prompts[0]: must be a prompt's id: small letters, digits, - (as in prompts.yaml) or {say: ...}, "
        'not 5; write it in quotes: "5"',
    ),
    (
        "[welcome]",
        '["../etc/passwd"]',
        "nodes.benvenuto.prompts[0]: must be a prompt's id: small letters, digits, - (as in prompts.yaml) or {say: ...}, "
        'not "../etc/passwd"',
    ),
    (
        "closed: chiuso",
        "closed: benvenuto",
        "nodes.chiuso: cannot be reached; lead a key or a `next` to it, or remove it",
    ),
    (
        "topic: DID",
        "topic: ADR",
        'nodes.did.topic: "ADR" is already the topic of "adr"; choose another, or the figures of the two are mixed',
    ),
    (
        "topic: DID",
        "topic: did online",
        'nodes.did.topic: must be a topic: capital letters, digits, _, not "did online"',
    ),
    (
        "priority: 0",
        "set: {QUEUE_PRIO: '1'}",
        "nodes.operatore.set.QUEUE_PRIO: the engine sets it; write priority instead",
    ),
    (
        "priority: 0",
        "set: {QUEUE_MAX_PENALTI: '1'}",
        'nodes.operatore.set.QUEUE_MAX_PENALTI: no such channel variable; did you mean "QUEUE_MAX_PENALTY"?',
    ),
    (
        "priority: 0",
        "set: {CHANNEL(language): '${SHELL(id)}'}",
        'nodes.operatore.set.CHANNEL(language): "${SHELL(id)}" is not a value for it; write two small letters: "it"',
    ),
    (
        "reason: closed",
        "reason: close",
        'nodes.lascia-messaggio.reason: must be "all_busy" or "caller_choice" or "closed", '
        'not "close"; did you mean "closed"?',
    ),
    (
        "kind: hangup",
        "kind: [hangup]",
        "nodes.arrivederci.kind: a list is not one of hours, play, notice, ask, inform, number, queue, message, hangup",
    ),
    (
        "  arrivederci:\n",
        "  Arrivederci!:\n",
        'nodes."Arrivederci!": a key here must be a node\'s name: small letters, digits, -',
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES, ids=[each[2][:50] for each in MISTAKES])
def test_a_mistake_is_reported_with_its_path_and_remedy(config: EditedConfig, old: str, new: str, said: str) -> None:
    config.edit("menu", old, new)
    assert f"config/menu.yaml: {said}" in config.problems()


def test_one_mistake_gives_one_message(config: EditedConfig) -> None:
    """A misspelt name leaves half of the menu unreached, which is not reported for each node."""
    config.edit("menu", "next: avviso", "next: avvizo")
    assert len(config.problems()) == 1


def test_several_mistakes_are_reported_together_by_file(config: EditedConfig) -> None:
    config.edit("menu", "attempts: 2", "attempts: 30")
    config.edit("menu", "kind: hours", "kind: hour")
    config.edit("service", "seats: 12", "seats: 0")
    config.edit("survey", "attempts: 2", "attempts: two")
    config.edit("prompts", "version: 1", "version: 0")
    config.edit("menu", "[welcome]", "[]")
    files = [each.split(":")[0].removeprefix("config/") for each in config.problems()]
    assert files == ["service.yaml", *["menu.yaml"] * 3, "survey.yaml", "prompts.yaml"]


def test_an_endless_loop_is_reported_with_its_nodes(config: EditedConfig) -> None:
    config.edit("menu", "next: argomenti", "next: benvenuto")
    loop = (
        "config/menu.yaml: nodes.benvenuto: endless loop for a caller who presses nothing: benvenuto -> avviso -> "
        "benvenuto; let one of them lead to a queue, message or hangup node"
    )
    assert config.problems() == [loop]


def test_a_question_that_repeats_itself_in_silence_is_an_endless_loop(config: EditedConfig) -> None:
    config.edit("menu", "no_input: {prompts: [no-input], then: operatore}", "no_input: {prompts: [], then: argomenti}")
    assert config.problems()[0].startswith(
        "config/menu.yaml: nodes.argomenti: endless loop for a caller who presses nothing: argomenti -> argomenti; "
    )


def test_a_dead_end_that_only_keys_keep_alive(config: EditedConfig) -> None:
    ring = {
        "a": {
            "kind": "ask",
            "prompts": ["x"],
            "keys": {"1": "b"},
            "no_input": {"then": "b"},
            "wrong_input": {"then": "b"},
        },
        "b": {"kind": "number", "name": "n", "prompts": ["x"], "next": "a", "failed": "c"},
        "c": {
            "kind": "ask",
            "prompts": ["x"],
            "keys": {"1": "a"},
            "no_input": {"then": "d"},
            "wrong_input": {"then": "a"},
        },
        "d": {"kind": "hangup"},
    }
    fine = msgspec.convert({"start": "a", "nodes": ring}, Menu)
    assert [each for each in check(fine) if each[2] == "error"] == []
    ring["c"]["no_input"] = {"then": "e"}
    ring["e"] = {"kind": "number", "name": "m", "prompts": ["x"], "next": "a", "failed": "f"}
    ring["f"] = {"kind": "number", "name": "o", "prompts": ["x"], "next": "e", "failed": "b"}
    del ring["d"]
    looping = msgspec.convert({"start": "a", "nodes": ring}, Menu)
    assert [path for path, message, _ in check(looping) if "endless loop" in message] == ["nodes.b"]


def test_an_operator_out_of_reach_is_a_warning(config: EditedConfig) -> None:
    config.edit("menu", '      "0": operatore\n', "")
    assert config.problems() == []
    assert config.problems("warning") == [
        'config/menu.yaml: nodes.argomenti.keys: an operator should be reachable with "0"; lead it to a queue node',
        'config/menu.yaml: nodes.argomenti.prompts[0]: "topics" says to press 0, but the keys here are *, 1, 2, 3, 4; '
        "change one of them",
        'config/menu.yaml: nodes.argomenti.retry_prompts[0]: "topics-again" says to press 0, but the keys here are *, 1, 2, '
        "3, 4; change one of them",
    ]


def test_a_key_that_a_text_names_and_the_menu_lacks_is_a_warning(config: EditedConfig) -> None:
    config.edit("menu", '"3": arrivederci', '"4": arrivederci')
    assert config.problems("warning") == [
        'config/menu.yaml: nodes.dopo-aperto.prompts[0]: "after-information" says to press 3, but the keys here are '
        "*, 0, 2, 4; change one of them"
    ]


def test_keys_are_found_in_italian_texts() -> None:
    text = "Per questo prema 1, prema il tasto 2, premere cancelletto; prema asterisco. Prema un tasto da 3 a 5."
    keys = [key_name(number.low) for number in find_numbers(text) if number.unit == "key"]
    assert keys == ["1", "2", "#", "*"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"least_digits": 9, "most_digits": 8}, "nodes.n.least_digits: 9 is more than most_digits, 8; no number can be "
         "that long"),
        ({"name": "topic"}, "nodes.n.name: IVR_TOPIC is a variable of the engine; choose another name"),
    ],
)  # fmt: skip
def test_a_number_node_that_cannot_work(change: dict[str, object], said: str) -> None:
    number = {"kind": "number", "name": "pratica", "prompts": ["x"], "next": "q", "failed": "q"}
    nodes = {"n": {**number, **change}, "q": {"kind": "queue"}}
    menu = msgspec.convert({"start": "n", "nodes": nodes}, Menu)
    assert [f"{path}: {message}" for path, message, _ in check(menu)] == [said]


def test_every_variable_of_the_dialplan_is_reserved() -> None:
    template = Path(Places().templates, "extensions_nul.conf").read_text(encoding="utf-8")
    code = "\n".join(line.partition(";")[0] for line in template.splitlines())
    assert set(re.findall(r"\bIVR_([A-Z_]+)", code)) <= set(RESERVED_NAMES)


def test_topics_without_a_title_and_titles_without_a_topic(config: EditedConfig) -> None:
    config.edit("menu", "  DID: {it", "  DIDI: {it")
    assert config.problems("warning") == [
        "config/menu.yaml: topics.DID: missing, so reports show the code; add {it: ..., en: ...}",
        'config/menu.yaml: topics.DIDI: no node has this topic; did you mean "DID"?',
    ]


def test_menu_prompts_of_the_shipped_menu_exist(config: EditedConfig) -> None:
    config.edit("menu", "no_input: {prompts: [no-input]", "no_input: {prompts: [niente]")
    assert config.problems() == [
        'config/menu.yaml: nodes.argomenti.no_input.prompts[0]: no prompt "niente" in prompts.yaml; add its text there'
    ]


# --- laws ------------------------------------------------------------------------------------------------------------

NAMES = [f"n{index}" for index in range(8)]
names = st.sampled_from(NAMES)
misses = st.builds(lambda then: {"then": then}, names)
nodes = st.one_of(
    st.builds(lambda a, b: {"kind": "hours", "open": a, "closed": b}, names, names),
    st.builds(lambda a: {"kind": "play", "prompts": ["x"], "next": a}, names),
    st.builds(lambda a: {"kind": "inform", "topic": "T", "prompts": ["x"], "next": a}, names),
    st.builds(lambda a, b: {"kind": "number", "name": "n", "prompts": ["x"], "next": a, "failed": b}, names, names),
    st.builds(
        lambda keys, a, b: {"kind": "ask", "prompts": ["x"], "keys": keys, "no_input": a, "wrong_input": b},
        st.dictionaries(st.sampled_from("0123456789*#"), names, min_size=1),
        misses,
        misses,
    ),
    st.sampled_from([{"kind": "queue"}, {"kind": "message", "reason": "closed"}, {"kind": "hangup"}]),
)
menus = st.builds(
    lambda start, found: msgspec.convert({"start": start, "nodes": found}, Menu),
    names,
    st.dictionaries(names, nodes, min_size=1),
)


@given(menus)
def test_a_menu_without_errors_has_an_end_for_every_caller(menu: Menu) -> None:
    """A silent caller reaches an end in at most as many steps as there are nodes, and every node has a way out."""
    if any(severity == "error" for _, _, severity in check(menu)):
        return
    ways = {name: [edge.target for edge in edges(node)] for name, node in menu.nodes.items()}
    for name in menu.nodes:
        assert name in reachable(ways, [menu.start])
        assert any(not ways[each] for each in reachable(ways, [name]))
        here = [name]
        for _ in menu.nodes:
            here = [edge.target for each in here for edge in edges(menu.nodes[each]) if not edge.key][:50]
        assert here == []


@given(st.dictionaries(st.integers(0, 6).map(str), st.lists(st.integers(0, 8).map(str), max_size=3)))
def test_cycles_end_where_they_began(ways: dict[str, list[str]]) -> None:
    rings = find_cycles(ways)
    for ring in rings:
        assert ring[0] == ring[-1] and len(set(ring)) == len(ring) - 1
        assert all(later in ways[earlier] for earlier, later in pairwise(ring))
    within = {name for name in ways if any(name in reachable(ways, [target]) for target in ways[name])}
    knots = {frozenset(each for each in within if name in reachable(ways, [each]) and each in reachable(ways, [name]))
             for name in within}  # fmt: skip
    assert len(rings) == len(knots)


def test_menu_prompts_are_complete() -> None:
    ask = {
        "kind": "ask",
        "prompts": ["a", {"say": "next_opening"}],
        "keys": {"1": "q"},
        "no_input": {"prompts": ["b"], "then": "q"},
        "wrong_input": {"prompts": ["c"], "then": "q"},
    }
    menu = msgspec.convert({"start": "n", "nodes": {"n": ask, "q": {"kind": "queue", "prompts": ["d"]}}}, Menu)
    assert dict(menu_prompts(menu)) == {
        "nodes.n.prompts[0]": "a",
        "nodes.n.no_input.prompts[0]": "b",
        "nodes.n.wrong_input.prompts[0]": "c",
        "nodes.q.prompts[0]": "d",
    }
