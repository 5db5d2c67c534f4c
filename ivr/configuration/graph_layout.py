"""Places the boxes of a graph in layers, so that arrows run downward and nothing overlaps.

These are the steps of Sugiyama, Tagawa and Toda (1981): reverse the arrows that close a cycle; put each box in the
layer after the last of its predecessors; order every layer so that few arrows cross; move connected boxes near each
other. An arrow over several layers becomes a chain of small cells, one per layer, and its label is one of them: a cell
has a place of its own and cannot be covered. Cells with a single neighbour above and below form a *column*, which is
ordered and moved as a whole. So arrows are straight where possible, and one order of columns orders every layer.

Why this is not a library: docs/decisions/0013-own-graph-layout.md.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

GAP = 26.0  # between neighbours of a layer
DROP = 34.0  # between layers
WORK = 400_000  # cells that each of the two searches, for order and for position, may visit
NEVER = 1 << 30  # the turn of a box to which no arrow leads


class Box(NamedTuple):
    """A rectangle by its centre."""

    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """One arrow: the boxes of its chain, and the one among them that has its label."""

    through: list[Box]  # from source to target, both excluded
    label: Box | None


class Drawing(NamedTuple):
    boxes: dict[str, Box]
    lines: list[Line]  # in the order of the arrows given
    width: float
    height: float


Arrow = tuple[str, str, tuple[float, float] | None]  # from, to, and the size of its label


def arrange(sizes: Mapping[str, tuple[float, float]], arrows: Sequence[Arrow]) -> Drawing:
    """Place boxes of the given (width, height) and the arrows between them; the first box is the top.

    Every arrow joins two different boxes of `sizes`. The same graph gives the same drawing.
    """
    backward = _backward(list(sizes), arrows)
    ranks = _ranks(list(sizes), arrows, backward)
    grid = _Grid(sizes, ranks)
    chains = [grid.thread(arrow, index, index in backward) for index, arrow in enumerate(arrows)]
    columns = _ordered(grid.columns(), len(grid.layers))
    grid.number(columns)
    _settle(columns)
    return grid.drawing(chains)


def _backward(names: list[str], arrows: Sequence[Arrow]) -> set[int]:
    """The arrows that close a cycle: in a depth-first walk, those that lead back to a box on the current path."""
    out: dict[str, list[int]] = {name: [] for name in names}
    for index, (source, _, _) in enumerate(arrows):
        out[source].append(index)
    backward: set[int] = set()
    done: set[str] = set()
    leaving: dict[str, list[int]] = {}  # the current path, with the arrows not yet followed
    for name in names:
        if name not in done:
            leaving[name] = out[name][::-1]
        while leaving:
            here, rest = next(reversed(leaving.items()))
            if not rest:
                del leaving[here]
                done.add(here)
                continue
            index = rest.pop()
            target = arrows[index][1]
            if target in leaving:
                backward.add(index)
            elif target not in done:
                leaving[target] = out[target][::-1]
    return backward


def _ranks(names: list[str], arrows: Sequence[Arrow], backward: set[int]) -> dict[str, int]:
    """The layer of each box: even numbers, since labels are in the odd ones."""
    ranks = dict.fromkeys(names, 0)
    down = [(b, a) if index in backward else (a, b) for index, (a, b, _) in enumerate(arrows)]
    for _ in names:  # the longest path visits each box at most once
        moved = False
        for upper, lower in down:
            if ranks[lower] < ranks[upper] + 2:
                ranks[lower] = ranks[upper] + 2
                moved = True
        if not moved:
            break
    return ranks


class _Cell:
    """A box, or a link of an arrow's chain, in its layer."""

    def __init__(self, rank: int, width: float, height: float, turn: int, real: bool) -> None:
        self.rank, self.width, self.height, self.real = rank, width, height, real
        self.turn = turn  # the first arrow that leads to it: among equals, the earlier goes to the left
        self.up: list[_Cell] = []
        self.down: list[_Cell] = []
        self.place = 0  # in its layer, from the left
        self.column: _Column

    @property
    def x(self) -> float:
        return self.column.x

    def distance(self, right: _Cell) -> float:
        """The least distance between its centre and that of its right neighbour."""
        gap = GAP if self.real or right.real else GAP * 0.6
        return (self.width + right.width) / 2 + gap


class _Column:
    """Cells exactly above each other, from the top."""

    def __init__(self, cells: list[_Cell]) -> None:
        self.cells = cells
        self.turn = min(cell.turn for cell in cells)
        self.x = 0.0
        self.place = 0  # among all columns
        self.joined: list[_Column] = []  # where its arrows lead, one entry per arrow
        self.beside: dict[int, dict[_Column, float]] = {-1: {}, 1: {}}  # side -> neighbour -> least distance
        for cell in cells:
            cell.column = self


class _Grid:
    def __init__(self, sizes: Mapping[str, tuple[float, float]], ranks: Mapping[str, int]) -> None:
        self.layers: list[list[_Cell]] = [[] for _ in range(max(ranks.values(), default=0) + 1)]
        self.cells = {name: self._add(ranks[name], *size, turn=NEVER, real=True) for name, size in sizes.items()}

    def _add(self, rank: int, width: float, height: float, turn: int, real: bool = False) -> _Cell:
        cell = _Cell(rank, width, height, turn, real)
        self.layers[rank].append(cell)
        return cell

    def thread(self, arrow: Arrow, turn: int, backward: bool) -> tuple[list[_Cell], _Cell | None]:
        """Add an arrow's chain of links to the layers; the label comes right after its source."""
        source, target, label = arrow
        upper, lower = (target, source) if backward else (source, target)
        top, bottom = self.cells[upper], self.cells[lower]
        labelled = bottom.rank - 1 if backward else top.rank + 1
        chain: list[_Cell] = []
        for rank in range(top.rank + 1, bottom.rank):
            size = label if label is not None and rank == labelled else (2.0, 0.0)
            chain.append(self._add(rank, *size, turn=turn))
        bottom.turn = min(bottom.turn, turn)
        for above, below in itertools.pairwise([top, *chain, bottom]):
            above.down.append(below)
            below.up.append(above)
        carrier = chain[labelled - top.rank - 1] if label is not None else None
        return (chain[::-1] if backward else chain), carrier

    def columns(self) -> list[_Column]:
        """Put every cell into its column."""
        columns = []
        for layer in self.layers:
            for cell in layer:
                if len(cell.up) == 1 and len(cell.up[0].down) == 1:
                    continue  # its column begins above
                cells = [cell]
                while len(cells[-1].down) == 1 and len(cells[-1].down[0].up) == 1:
                    cells.append(cells[-1].down[0])
                columns.append(_Column(cells))
        return columns

    def number(self, columns: list[_Column]) -> None:
        """Order every layer by the columns, and set the neighbours of these."""
        self.layers = [[] for _ in self.layers]
        for place, column in enumerate(columns):
            column.place = place
            for cell in column.cells:
                self.layers[cell.rank].append(cell)
                column.joined += [each.column for each in (*cell.up, *cell.down) if each.column is not column]
        for layer in self.layers:
            for left, right in itertools.pairwise(layer):
                distance = max(left.distance(right), left.column.beside[1].get(right.column, 0.0))
                left.column.beside[1][right.column] = right.column.beside[-1][left.column] = distance

    def drawing(self, chains: list[tuple[list[_Cell], _Cell | None]]) -> Drawing:
        left = min((cell.x - cell.width / 2 for layer in self.layers for cell in layer), default=0.0)
        boxes: dict[_Cell, Box] = {}
        y = 0.0
        for layer in self.layers:
            height = max((cell.height for cell in layer), default=0.0)
            if not height:  # no label in this layer
                y += DROP / 2
                continue
            for cell in layer:
                # A link is as high as its layer, so that its arrow runs straight between the boxes beside it.
                own = cell.height if cell.real or cell.height else height
                boxes[cell] = Box(cell.x - left, y + height / 2, cell.width, own)
            y += height + DROP
        lines = [
            Line([boxes[cell] for cell in chain if cell in boxes], boxes[label] if label else None)
            for chain, label in chains
        ]
        width = max((box.x + box.width / 2 for box in boxes.values()), default=0.0)
        return Drawing({name: boxes[cell] for name, cell in self.cells.items()}, lines, width, max(y - DROP, 0.0))


# --- order -----------------------------------------------------------------------------------------------------------


def _ordered(columns: list[_Column], layers: int) -> list[_Column]:
    """The columns from left to right: first with few crossings, then in the order of the arrows.

    A local search: from the order of the arrows, move one column at a time to its best place, until no move helps.
    """
    best = sorted(columns, key=lambda column: -1 if column.turn == NEVER else column.turn)
    cost, tries, improved = _cost(best, layers), _rounds(columns), True
    while improved and tries > 0:
        improved = False
        for column in list(best):
            rest = [each for each in best if each is not column]
            for place in range(min(len(best), tries)):
                tries -= 1
                other = [*rest[:place], column, *rest[place:]]
                cost_there = _cost(other, layers)
                if cost_there < cost:
                    best, cost, improved = other, cost_there, True
    return best


def _rounds(columns: list[_Column]) -> int:
    """How often all cells may be visited, so that a huge menu is drawn in seconds too, with more crossings."""
    return WORK // sum(len(column.cells) for column in columns)


def _cost(columns: list[_Column], layers: int) -> tuple[int, int]:
    """How many arrows cross, and how many pairs of columns contradict the order of the arrows."""
    rows: list[list[_Cell]] = [[] for _ in range(layers)]
    for column in columns:
        for cell in column.cells:
            cell.place = len(rows[cell.rank])
            rows[cell.rank].append(cell)
    crossings = 0
    for row in rows:
        crossings += _inversions([place for cell in row for place in sorted(below.place for below in cell.down)])
    return crossings, _inversions([column.turn for column in columns])


def _inversions(values: list[int]) -> int:
    """How many pairs are in falling order."""
    ordered: list[int] = []
    total = 0
    for value in values:
        place = bisect.bisect_right(ordered, value)
        total += len(ordered) - place
        ordered.insert(place, value)
    return total


# --- places ----------------------------------------------------------------------------------------------------------


def _settle(columns: list[_Column]) -> None:
    """Move each column to the mean of its neighbours, pushing others aside where the arrows together get shorter."""
    for column in columns:  # as far to the left as possible; in order, so its left neighbours are already placed
        column.x = max((left.x + distance for left, distance in column.beside[-1].items()), default=0.0)
    for sweep in range(min(60, _rounds(columns))):
        settled = True
        for column in columns[::-1] if sweep % 2 == 0 else columns:
            mean = sum(other.x for other in column.joined) / len(column.joined) if column.joined else column.x
            for share in (1.0, 0.5, 0.2, 0.05) if abs(mean - column.x) > 0.5 else ():
                moves = _push(column, column.x + (mean - column.x) * share)
                if _strain(moves) < _strain({moved: moved.x for moved in moves}) - 1e-6:
                    for moved, x in moves.items():
                        moved.x = x
                    settled = False
                    break
        if settled:
            return


def _push(column: _Column, x: float) -> dict[_Column, float]:
    """The new x of the column and of those that it pushes, if it moved to `x`."""
    moves = {column: x}
    side = 1 if x > column.x else -1
    waiting = [(side * column.place, column)]
    while waiting:  # outward, so that each is pushed once
        _, here = heapq.heappop(waiting)
        for neighbour, distance in here.beside[side].items():
            pushed = moves[here] + side * distance
            if (pushed - moves.get(neighbour, neighbour.x)) * side > 0:
                if neighbour not in moves:
                    heapq.heappush(waiting, (side * neighbour.place, neighbour))
                moves[neighbour] = pushed
    return moves


def _strain(places: Mapping[_Column, float]) -> float:
    """The sum of the squared horizontal lengths of the arrows of those columns, each arrow once."""
    total = 0.0
    for column, x in places.items():
        for other in column.joined:
            share = 0.5 if other in places else 1.0
            total += share * (places.get(other, other.x) - x) ** 2
    return total
