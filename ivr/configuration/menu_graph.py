"""The menu as a picture: Mermaid, SVG, and text for a terminal. Its labels are Italian, like what callers hear."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from ivr.configuration import graph_layout
from ivr.configuration.menu import (
    AskNode,
    Edge,
    HangupNode,
    HoursNode,
    InformNode,
    Menu,
    MessageNode,
    Node,
    NoticeNode,
    NumberNode,
    PlayNode,
    QueueNode,
    edges,
    reachable,
)
from ivr.configuration.settings import PromptText

Prompts = Mapping[str, PromptText]


class Look(NamedTuple):
    """How a kind of node is shown."""

    word: str  # Italian, for the legend
    fill: str
    stroke: str


LOOKS = {
    HoursNode: Look("orario", "#fff4d6", "#b7791f"),
    PlayNode: Look("annuncio", "#f1f5f9", "#64748b"),
    NoticeNode: Look("avviso di registrazione", "#ffe9e3", "#c2553a"),
    AskNode: Look("domanda", "#e0edff", "#2563eb"),
    InformNode: Look("informazioni", "#e3f6ec", "#1d8a55"),
    NumberNode: Look("numero da digitare", "#fdeef7", "#b83280"),
    QueueNode: Look("personale", "#1e3a5f", "#1e3a5f"),
    MessageNode: Look("casella vocale", "#5b3a8c", "#5b3a8c"),
    HangupNode: Look("fine", "#e2e8f0", "#475569"),
}
DARK = (QueueNode, MessageNode)

REASONS = {"closed": "servizio chiuso", "all_busy": "nessuno può rispondere", "caller_choice": "scelta di chi chiama"}


def title(name: str, node: Node) -> str:
    """A node's name for readers: `dopo-informazione` -> `Dopo informazione`; `adr` -> `ADR` when that is its topic."""
    words = name.replace("-", " ").replace("_", " ")
    if isinstance(node, InformNode | QueueNode) and node.topic == words.upper() and len(words) <= 3:
        return words.upper()
    return words[:1].upper() + words[1:]


def detail(node: Node, prompts: Prompts) -> str:
    """One Italian phrase about what happens in a node."""
    match node:
        case HoursNode():
            return "siamo aperti?"
        case AskNode():
            again = f", {node.repeat_key} ripete" if node.repeat_key else ""
            return f"{'un tentativo' if node.attempts == 1 else f'{node.attempts} tentativi'}{again}"
        case InformNode():
            return f"informazioni: {node.topic}"
        case NumberNode():
            return f"da {node.least_digits} a {node.most_digits} cifre"
        case QueueNode():
            return f"al personale: {node.topic or 'argomento scelto'}"
        case MessageNode():
            return f"messaggio: {REASONS[node.reason]}"
        case _:
            return spoken_text(node, prompts) or LOOKS[type(node)].word


def spoken_text(node: Node, prompts: Prompts) -> str:
    """What callers hear in a node, in full."""
    ids = [prompt for prompt in getattr(node, "prompts", []) if isinstance(prompt, str)]
    return " ".join(prompts[id].text if id in prompts else f"[{id}]" for id in ids)


def label(edge: Edge) -> str:
    """The label of an arrow: its key, or the reason why it is followed."""
    names = {"open": "aperto", "closed": "chiuso", "no_input.then": "silenzio", "wrong_input.then": "errore"}
    if edge.path in names:
        return names[edge.path]
    return {"0-9": "numero", "": "fallito" if edge.path == "failed" else ""}.get(edge.key, edge.key)


class Arrow(NamedTuple):
    """All edges from one node to another, as one arrow; `pressed` when one of them needs a key."""

    source: str
    target: str
    label: str
    pressed: bool


def arrows(menu: Menu) -> list[Arrow]:
    """The arrows of the drawing, in the order of the document."""
    groups: dict[tuple[str, str], list[Edge]] = {}
    for name, node in menu.nodes.items():
        for edge in edges(node):
            groups.setdefault((name, edge.target), []).append(edge)
    drawn = []
    for (source, target), group in groups.items():
        text = ", ".join(label(edge) for edge in group if label(edge))
        pressed = any(edge.path.startswith(("keys", "next")) or "." not in edge.path for edge in group)
        drawn.append(Arrow(source, target, text, pressed))
    return drawn


# --- Mermaid and text ------------------------------------------------------------------------------------------------


def mermaid(menu: Menu, prompts: Prompts) -> str:
    """A Mermaid flowchart. Nodes are numbered, since names such as `end` are keywords of Mermaid."""
    numbers = {name: f"n{index}" for index, name in enumerate(menu.nodes)}
    lines = ["flowchart TD"]
    for name, node in menu.nodes.items():
        phrase = textwrap.shorten(detail(node, prompts), 60, placeholder=" ...")
        left, right = {HoursNode: ("{", "}"), AskNode: ("([", "])")}.get(type(node), ("[", "]"))
        lines.append(f'    {numbers[name]}{left}"<b>{_quoted(title(name, node))}</b><br>{_quoted(phrase)}"{right}')
    for arrow in arrows(menu):
        line = "-->" if arrow.pressed else "-.->"
        text = f'|"{_quoted(arrow.label)}"|' if arrow.label else ""
        lines.append(f"    {numbers[arrow.source]} {line}{text} {numbers[arrow.target]}")
    for kind, look in LOOKS.items():
        members = [numbers[name] for name, node in menu.nodes.items() if type(node) is kind]
        if members:
            ink = "#ffffff" if kind in DARK else "#1a202c"
            word = kind.__name__.removesuffix("Node").lower()
            lines.append(f"    classDef {word}_ fill:{look.fill},stroke:{look.stroke},color:{ink}")
            lines.append(f"    class {','.join(members)} {word}_")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "#quot;").replace("<", "&lt;").replace(">", "&gt;")


def text(menu: Menu, prompts: Prompts) -> str:
    """One paragraph per node, in the order in which callers meet them."""
    ways = {name: [edge.target for edge in edges(node)] for name, node in menu.nodes.items()}
    order = [menu.start]
    for name in order:
        order += [target for target in dict.fromkeys(ways.get(name, [])) if target not in order]
    order += [name for name in menu.nodes if name not in order]
    lines = []
    for name in order:
        if name not in menu.nodes:
            continue
        node = menu.nodes[name]
        lines.append(f"{name}: {textwrap.shorten(detail(node, prompts), 90, placeholder=' ...')}")
        for arrow in arrows(menu):
            if arrow.source == name:
                lines.append(f"    {arrow.label or 'poi':<24} -> {arrow.target}")
    return "\n".join(lines) + "\n"


# --- SVG -------------------------------------------------------------------------------------------------------------

FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif"
TITLE_SIZE, DETAIL_SIZE, LABEL_SIZE = 14.0, 11.5, 12.0
LETTER = 0.6  # width of a letter, in sizes: generous, since every reader has another font
DETAIL_LETTERS, DETAIL_LINES = 26, 2
MARGIN = 24.0
LARGEST = 150
INK, FAINT = "#334155", "#94a3b8"


def svg(menu: Menu, prompts: Prompts) -> str:
    """The drawing as one SVG document without external references. Raises ValueError when the menu is too large."""
    if len(menu.nodes) > LARGEST:
        raise ValueError(f"{len(menu.nodes)} nodes are too many for one sheet; draw at most {LARGEST}, or use Mermaid")
    shown = reachable({name: [edge.target for edge in edges(node)] for name, node in menu.nodes.items()}, [menu.start])
    lines = {name: _lines(node, prompts, _again(menu, name)) for name, node in menu.nodes.items() if name in shown}
    sizes = {name: _size(title(name, menu.nodes[name]), lines[name]) for name in (menu.start, *lines) if name in lines}
    drawn = [arrow for arrow in arrows(menu) if {arrow.source, arrow.target} <= shown and arrow.source != arrow.target]
    placed = graph_layout.arrange(sizes, [(arrow.source, arrow.target, _label_size(arrow.label)) for arrow in drawn])
    parts = _arrows(drawn, placed)
    for name in sizes:
        parts += _box(name, menu.nodes[name], placed.boxes[name], lines[name], spoken_text(menu.nodes[name], prompts))
    looks = [look for kind, look in LOOKS.items() if any(type(menu.nodes[name]) is kind for name in sizes)]
    width = max(placed.width, _legend_width(looks)) + 2 * MARGIN
    height = placed.height + 2 * MARGIN + 34
    shift = (width - placed.width) / 2
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="{FONT}" role="img" aria-label="Il menu telefonico">'
    )
    marker = (
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0 0.8 L9.5 5 L0 9.2 L2.2 5 Z" fill="{INK}"/></marker></defs>'
    )
    body = [f'<g transform="translate({shift:.1f} {MARGIN})">', *parts, "</g>"]
    legend = _legend(looks, width, height - MARGIN)
    paper = f'<rect width="{width:.0f}" height="{height:.0f}" rx="10" fill="#ffffff"/>'
    return "\n".join([head, marker, paper, *body, *legend, "</svg>", ""])


def _again(menu: Menu, name: str) -> str:
    """The keys that lead from a node to itself: a text in its box, since the layout draws no loops."""
    keys = ", ".join(label(edge) for edge in edges(menu.nodes[name]) if edge.target == name)
    return f"{keys}: di nuovo qui" if keys else ""


def _lines(node: Node, prompts: Prompts, again: str) -> list[str]:
    phrase = textwrap.wrap(detail(node, prompts), DETAIL_LETTERS, max_lines=DETAIL_LINES, placeholder=" …")
    return [*phrase, *([again] if again else [])]


def _size(head: str, lines: list[str]) -> tuple[float, float]:
    width = max([len(head) * TITLE_SIZE, *(len(line) * DETAIL_SIZE for line in lines)]) * LETTER + 34
    return max(width, 96), 30 + len(lines) * 15


def _label_size(text: str) -> tuple[float, float] | None:
    return (max(len(text) * LABEL_SIZE * LETTER + 12, 22), 20) if text else None


def _arrows(drawn: list[Arrow], placed: graph_layout.Drawing) -> list[str]:
    starts, ends = _ports(drawn, placed)
    curves, labels = [], []
    for index, (arrow, line) in enumerate(zip(drawn, placed.lines, strict=True)):
        dash = "" if arrow.pressed else ' stroke-dasharray="5 4"'
        colour = INK if arrow.pressed else FAINT
        path = _curve(starts[index], line.through, ends[index])
        curves.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dash} marker-end="url(#tip)"/>'
        )
        if line.label is not None:
            labels += _label(arrow, line.label)
    return curves + labels


Point = tuple[float, float]


def _ports(drawn: list[Arrow], placed: graph_layout.Drawing) -> tuple[dict[int, Point], dict[int, Point]]:
    """Where each arrow leaves and enters its boxes: side by side along an edge, ordered by where they lead."""
    sides: dict[tuple[str, bool], list[tuple[float, int, bool]]] = {}
    for index, (arrow, line) in enumerate(zip(drawn, placed.lines, strict=True)):
        source, target = placed.boxes[arrow.source], placed.boxes[arrow.target]
        down = source.y < target.y
        near = line.through[0] if line.through else target
        last = line.through[-1] if line.through else source
        sides.setdefault((arrow.source, down), []).append((near.x, index, True))
        sides.setdefault((arrow.target, not down), []).append((last.x, index, False))
    starts: dict[int, Point] = {}
    ends: dict[int, Point] = {}
    for (name, below), ports in sides.items():
        box = placed.boxes[name]
        step = min(22.0, (box.width - 24) / max(len(ports) - 1, 1))
        for place, (_, index, leaving) in enumerate(sorted(ports)):
            x = box.x + (place - (len(ports) - 1) / 2) * step
            y = box.y + (box.height / 2 if below else -box.height / 2)
            (starts if leaving else ends)[index] = (x, y)
    return starts, ends


def _curve(start: Point, through: list[graph_layout.Box], end: Point) -> str:
    """A path that is vertical at both ends and straight through the layers that it passes."""
    (x, y), down = start, start[1] < end[1]
    parts = [f"M{x:.1f} {y:.1f}"]
    stops: list[tuple[Point, Point]] = []
    for box in through:
        top, bottom = (box.x, box.y - box.height / 2), (box.x, box.y + box.height / 2)
        stops.append((top, bottom) if down else (bottom, top))
    for enter, leave in [*stops, (end, end)]:
        middle = (y + enter[1]) / 2
        parts.append(f"C{x:.1f} {middle:.1f} {enter[0]:.1f} {middle:.1f} {enter[0]:.1f} {enter[1]:.1f}")
        x, y = leave
        if leave != enter:
            parts.append(f"L{x:.1f} {y:.1f}")
    return " ".join(parts)


def _label(arrow: Arrow, box: graph_layout.Box) -> list[str]:
    colour = INK if arrow.pressed else "#64748b"
    weight = ' font-weight="600"' if arrow.pressed else ""
    return [
        f'<rect x="{box.x - box.width / 2:.1f}" y="{box.y - box.height / 2:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="6" fill="#ffffff" stroke="#cbd5e1"/>',
        f'<text x="{box.x:.1f}" y="{box.y + 4.2:.1f}" font-size="{LABEL_SIZE}"{weight} fill="{colour}" '
        f'text-anchor="middle">{escape(arrow.label)}</text>',
    ]


def _box(name: str, node: Node, box: graph_layout.Box, lines: list[str], spoken: str) -> list[str]:
    look = LOOKS[type(node)]
    ink, soft = ("#ffffff", "#dbe4f0") if isinstance(node, DARK) else ("#0f172a", "#475569")
    round_ = box.height / 2 if isinstance(node, AskNode) else 8
    top, head = box.y - box.height / 2, title(name, node)
    parts = [
        f"<g><title>{escape(spoken or head)}</title>",
        f'<rect x="{box.x - box.width / 2:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{round_:.0f}" fill="{look.fill}" stroke="{look.stroke}" stroke-width="1.5"/>',
        f'<text x="{box.x:.1f}" y="{top + 20:.1f}" font-size="{TITLE_SIZE}" font-weight="600" fill="{ink}" '
        f'text-anchor="middle">{escape(head)}</text>',
    ]
    for index, line in enumerate(lines):
        parts.append(
            f'<text x="{box.x:.1f}" y="{top + 36 + index * 15:.1f}" font-size="{DETAIL_SIZE}" fill="{soft}" '
            f'text-anchor="middle">{escape(line)}</text>'
        )
    return [*parts, "</g>"]


def _legend_width(looks: list[Look]) -> float:
    return sum(len(look.word) * 11 * 0.56 + 36 for look in looks)


def _legend(looks: list[Look], width: float, y: float) -> list[str]:
    parts: list[str] = []
    x = (width - _legend_width(looks)) / 2
    for look in looks:
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="14" height="12" rx="3" fill="{look.fill}" '
            f'stroke="{look.stroke}"/>'
        )
        parts.append(f'<text x="{x + 20:.1f}" y="{y:.1f}" font-size="11" fill="#475569">{escape(look.word)}</text>')
        x += len(look.word) * 11 * 0.56 + 36
    return parts
