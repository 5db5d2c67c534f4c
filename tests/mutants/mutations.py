"""The mutations of a module: cosmic-ray makes them, a seeded choice keeps a few."""

from __future__ import annotations

import ast
import random
import re
from collections import defaultdict
from collections.abc import Iterator

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

# Identity instead of equality: which small values are the same object is an accident of the interpreter.
ACCIDENTAL = re.compile("_(Eq|NotEq)_Is(Not)?$|_Is(Not)?_(Eq|NotEq)$")

Location = tuple[int, int]
Mutation = tuple[str, int]  # the operator and which of its occurrences


def choose(module: str, source: str, count: int, seed: str) -> Iterator[str]:
    """Up to `count` mutated sources.

    Places are drawn first, so that an operator with many variants has no more weight. A larger count adds to the
    sample of a smaller one.
    """
    draw = random.Random(f"{seed}:{module}")
    places = _find(source)
    order = sorted(places)
    draw.shuffle(order)
    original = _skeleton(source)
    for place in order:
        operator, occurrence = draw.choice(places[place])
        mutated = mutate_code(source, cosmic_ray.plugins.get_operator(operator)(), occurrence)
        if "TYPE_CHECKING" in source.splitlines()[place[0] - 1]:
            continue  # imports for the type checker only
        if mutated is None or _skeleton(mutated) in (None, original):
            continue
        yield mutated
        count -= 1
        if not count:
            return


def _find(source: str) -> dict[Location, list[Mutation]]:
    nodes = list(ast_nodes(get_ast(source)))
    places: dict[Location, list[Mutation]] = defaultdict(list)
    for name in sorted(cosmic_ray.plugins.operator_names()):
        operator_class = cosmic_ray.plugins.get_operator(name)
        if operator_class.arguments() or ACCIDENTAL.search(name):
            continue
        operator = operator_class()
        positions = (start for node in nodes for start, _end in operator.mutation_positions(node))
        for occurrence, start in enumerate(positions):
            places[start].append((name, occurrence))
    return places


def _skeleton(source: str) -> str | None:
    """The syntax tree without annotations, which are not evaluated; None for what is no Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)
