"""The menu drawn: nothing overlaps, nothing is missing, and the same menu gives the same picture."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.places import ROOT, Places
from ivr.cli import main
from ivr.configuration import graph_layout, menu_graph
from ivr.configuration.menu import Menu
from ivr.configuration.service import Configuration, load
from ivr.configuration.settings import PromptText
from tests.ivr.edited_config import EditedConfig


@pytest.fixture(scope="module")
def shipped() -> Configuration:
    return load(Places())


def menu(**nodes: object) -> Menu:
    return msgspec.convert({"start": next(iter(nodes)), "nodes": nodes}, Menu)


# --- layout ----------------------------------------------------------------------------------------------------------


def overlap(one: graph_layout.Box, other: graph_layout.Box) -> bool:
    wide = abs(one.x - other.x) < (one.width + other.width) / 2 - 1e-6
    return wide and abs(one.y - other.y) < (one.height + other.height) / 2 - 1e-6


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, tuple[float, float]], list[graph_layout.Arrow]]:
    names = [f"n{index}" for index in range(draw(st.integers(1, 9)))]
    side = st.floats(10, 300)
    sizes = {name: (draw(side), draw(side)) for name in names}
    pair = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(lambda each: each[0] != each[1])
    joined = draw(st.lists(pair, max_size=14, unique=True)) if len(names) > 1 else []
    label = st.none() | st.tuples(st.floats(10, 200), st.just(20.0))
    return sizes, [(source, target, draw(label)) for source, target in joined]


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_boxes_and_labels_never_overlap_and_lie_within_the_drawing(
    drawn: tuple[dict[str, tuple[float, float]], list[graph_layout.Arrow]],
) -> None:
    sizes, arrows = drawn
    drawing = graph_layout.arrange(sizes, arrows)
    labels = [line.label for line in drawing.lines if line.label is not None]
    assert len(labels) == sum(label is not None for _, _, label in arrows)
    boxes = [*drawing.boxes.values(), *labels]
    assert not any(overlap(one, other) for one, other in itertools.combinations(boxes, 2))
    for box in boxes:
        assert box.x - box.width / 2 >= -1e-6 and box.x + box.width / 2 <= drawing.width + 1e-6
        assert box.y - box.height / 2 >= -1e-6 and box.y + box.height / 2 <= drawing.height + 1e-6
    assert {name: (box.width, box.height) for name, box in drawing.boxes.items()} == sizes
    for (source, _, _), line in zip(arrows, drawing.lines, strict=True):
        # What an arrow passes on its way lies clear of every box.
        for link, (name, box) in itertools.product(line.through, drawing.boxes.items()):
            assert not overlap(link, box), (source, name)
    assert graph_layout.arrange(sizes, arrows) == drawing


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_arrows_run_down_except_those_that_close_a_cycle(
    drawn: tuple[dict[str, tuple[float, float]], list[graph_layout.Arrow]],
) -> None:
    sizes, arrows = drawn
    drawing = graph_layout.arrange(sizes, arrows)
    down = {name: [b for a, b, _ in arrows if a == name] for name in sizes}

    def leads(source: str, target: str, seen: frozenset[str] = frozenset()) -> bool:
        return source == target or any(
            leads(each, target, seen | {source}) for each in down[source] if each not in seen
        )

    for source, target, _ in arrows:
        if not leads(target, source):
            assert drawing.boxes[source].y < drawing.boxes[target].y


def test_a_chain_is_a_straight_line() -> None:
    sizes = dict.fromkeys("abc", (100.0, 40.0))
    drawing = graph_layout.arrange(sizes, [("a", "b", None), ("b", "c", (30.0, 20.0))])
    assert len({box.x for box in drawing.boxes.values()}) == 1
    assert drawing.boxes["a"].y < drawing.boxes["b"].y < drawing.boxes["c"].y


# --- the picture -----------------------------------------------------------------------------------------------------


def test_the_picture_in_docs_is_that_of_the_shipped_menu(shipped: Configuration) -> None:
    drawn = Path(ROOT, "docs", "menu.svg").read_text(encoding="utf-8")
    assert drawn == menu_graph.svg(shipped.menu, shipped.prompts), "run `ivr graph --output docs/menu.svg`"


def test_the_picture_is_wellformed_and_shows_every_node_and_key(shipped: Configuration) -> None:
    drawn = menu_graph.svg(shipped.menu, shipped.prompts)
    root = ElementTree.fromstring(drawn)
    space = "{http://www.w3.org/2000/svg}"
    texts = {element.text for element in root.iter(f"{space}text")}
    assert texts >= {menu_graph.title(name, node) for name, node in shipped.menu.nodes.items()}
    assert texts >= {"1", "2", "3", "4", "0, silenzio, errore", "aperto", "chiuso"}
    assert "informazioni: DID" in texts and any(text and text.startswith("al personale: ") for text in texts)
    hints = [element.text or "" for element in root.iter(f"{space}title")]
    assert any(hint.startswith("Numero Unico per il Lavoro. La chiamata") for hint in hints)
    assert not re.search(r"(href|src|url\((?!#tip))", drawn)


def test_texts_are_escaped() -> None:
    prompts = {"x": PromptText(text='<script> & "quoted" \u2026')}
    found = menu(
        end={"kind": "play", "prompts": ["x"], "next": "ask"},
        ask={
            "kind": "ask",
            "prompts": ["x"],
            "keys": {"#": "end", "1": "ask", "0": "op"},
            "no_input": {"then": "op"},
            "wrong_input": {"then": "op"},
        },
        op={"kind": "queue"},
    )
    root = ElementTree.fromstring(menu_graph.svg(found, prompts))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "1: di nuovo qui" in texts  # an arrow to oneself is said in the box
    assert any("<script>" in (text or "") for text in texts)
    said = menu_graph.mermaid(found, prompts)
    assert "<script>" not in said and '"quoted"' not in said
    assert '    n1 -->|"#"| n0' in said and '    n1 -->|"0, silenzio, errore"| n2' in said


def test_mermaid_names_every_node_and_every_way(shipped: Configuration) -> None:
    said = menu_graph.mermaid(shipped.menu, shipped.prompts).splitlines()
    assert said[0] == "flowchart TD"
    assert '    n0{"<b>Orario</b><br>siamo aperti?"}' in said
    assert '    n3(["<b>Argomenti</b><br>2 tentativi, * ripete"])' in said
    assert sum("-->" in line or "-.->" in line for line in said) == len(menu_graph.arrows(shipped.menu))
    assert sum(bool(re.match(r"    n\d+[\[{(]", line)) for line in said) == len(shipped.menu.nodes)


def test_text_begins_where_callers_begin(shipped: Configuration) -> None:
    said = menu_graph.text(shipped.menu, shipped.prompts).splitlines()
    assert said[0] == "orario: siamo aperti?"
    assert "    0, silenzio, errore      -> operatore" in said
    assert sum(not line.startswith(" ") for line in said) == len(shipped.menu.nodes)


def test_every_kind_of_node_has_a_phrase() -> None:
    found = menu(
        n={"kind": "number", "name": "pratica", "prompts": ["x"], "next": "m", "failed": "h", "most_digits": 9},
        m={"kind": "message", "reason": "caller_choice"},
        h={"kind": "hangup"},
    )
    said = menu_graph.text(found, {})
    assert "n: da 1 a 9 cifre\n    numero                   -> m\n    fallito                  -> h\n" in said
    assert "m: messaggio: scelta di chi chiama\n" in said and "h: fine\n" in said


def test_a_menu_too_large_for_one_sheet_is_refused() -> None:
    nodes = {f"n{index}": {"kind": "play", "prompts": ["x"], "next": f"n{index + 1}"} for index in range(200)}
    found = menu(**nodes, n200={"kind": "hangup"})
    with pytest.raises(ValueError, match="201 nodes are too many for one sheet"):
        menu_graph.svg(found, {})
    assert menu_graph.mermaid(found, {}).count("-->") == 200


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["--output", "m.svg"], "<svg "),
        (["--output", "m.mmd"], "flowchart TD"),
        (["--output", "m.txt"], "orario: "),
        (["--output", "m.txt", "--format", "svg"], "<svg "),
    ],
)
def test_the_format_follows_the_ending(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    start: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["graph", *arguments]) == 0
    assert Path(arguments[1]).read_text(encoding="utf-8").startswith(start)
    assert capsys.readouterr().out.startswith(f"{arguments[1]}: 17 nodes, as ")


def test_without_output_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph"]) == 0
    assert capsys.readouterr().out.startswith("flowchart TD\n")


def test_a_wrong_menu_and_a_wrong_place_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["graph", "--output", "no/such/folder.svg"]) == 1
    assert capsys.readouterr().err == (
        "ivr graph: no/such/folder.svg: No such file or directory; check the path; a folder above it may be missing; "
        "or choose another file with --output\n"
    )
    EditedConfig(tmp_path).edit("menu", "start: orario", "start: orari")
    assert main(["--config", "config", "graph"]) == 1
    assert 'start: no node named "orari"; did you mean "orario"?' in capsys.readouterr().err
