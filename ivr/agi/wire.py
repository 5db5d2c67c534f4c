r"""One command as one line: how words are quoted so that the switch reads back exactly what was meant.

The switch splits a line at spaces and tabs. `"` begins and ends a stretch in which these are letters like any other;
`\` makes a letter of whatever follows it, everywhere. There is no way to write a line feed: a line feed ends the
command, and what follows it is the next command. From this follows everything here:

- every text goes between quotes, with `\` before each `\` and `"`;
- LF and NUL are refused, since text behind them would be run as a command; CR is refused because the switch would
  keep it as data, which nobody who sends CR LF has meant;
- a line that the switch cannot hold is refused: it would be cut, and its tail would run as the next command;
- so is a line of too many words: 128 quoted ones end Asterisk 22.10.1 itself.

Names of variables and functions are another matter. The switch evaluates them: `SHELL(...)` as a name runs a program.
No quoting helps there, so names must look like constants, and nothing that is evaluated may stand inside them.
"""

from __future__ import annotations

from ivr.agi.errors import LocalProtocolError

MAX_LINE = 8191  # bytes, line feed included: what fits into the switch's buffer of 8192
MAX_WORDS = 126  # of the switch's 128, one ends the list, and one is kept as a margin

_SHOWN = 60  # characters of a refused text that an error message shows


def quote(text: str) -> str:
    """A text as one word of the line."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if '"' in text:
        text = text.replace('"', '\\"')
    return f'"{text}"'


def encode(verb: str, words: tuple[str | int, ...]) -> bytes:
    """The line for a command, line feed included. Raises `LocalProtocolError` for what cannot be sent safely."""
    line = verb
    for word in words:
        if type(word) is int:
            line += f" {word}"
        elif type(word) is not str:
            raise LocalProtocolError(f"{verb}: {word!r} is neither text nor a whole number; convert it first")
        elif "\\" in word or '"' in word:
            line += " " + quote(word)
        else:
            line += f' "{word}"'
    if "\n" in line or "\r" in line or "\0" in line:
        raise LocalProtocolError(f"{verb}: a line feed, CR or NUL inside an argument would end the command; remove it")
    try:
        data = line.encode() + b"\n"
    except UnicodeEncodeError as problem:
        raise LocalProtocolError(f"{verb}: {problem.reason}: half a surrogate pair; decode it with 'replace'") from None
    if len(data) > MAX_LINE:
        raise LocalProtocolError(f"{verb}: {len(data)} bytes, the switch reads {MAX_LINE}; shorten the arguments")
    if len(words) > MAX_WORDS - verb.count(" ") - 1:
        raise LocalProtocolError(f"{verb}: {len(words)} arguments, a command has at most {MAX_WORDS} words; send fewer")
    return data


def constant_name(verb: str, name: object) -> str:
    """The name of a variable or function as it may be sent: `NAME` or `NAME(arguments)`, nothing to evaluate inside.

    Names are written by us, never taken from a caller. Raises `LocalProtocolError` for anything else.
    """
    if isinstance(name, str) and name.isascii():
        plain, bracket, arguments = name.partition("(")
        if plain.isidentifier():
            if not bracket:
                return name
            if arguments.endswith(")") and not _EVALUATED.intersection(arguments[:-1]):
                return name
    shown = repr(name)[:_SHOWN]
    raise LocalProtocolError(f"{verb}: {shown} is not a constant name; write NAME or NAME(arguments) without $, quotes")


_EVALUATED = frozenset("$\"'\\()\n\r\0")


def constant_expression(verb: str, expression: object) -> str:
    """Text with `${NAME}` in it, every name a constant. Raises `LocalProtocolError` for anything else."""
    if not isinstance(expression, str):
        raise LocalProtocolError(f"{verb}: {expression!r} is not an expression; write text with ${{NAME}} in it")
    literal, *places = expression.split("${")
    literals = [literal]
    for place in places:
        name, brace, literal = place.partition("}")
        constant_name(verb, name if brace else f"${{{name}")
        literals.append(literal)
    if any("$" in text for text in literals):
        raise LocalProtocolError(
            f"{verb}: {expression[:_SHOWN]!r}: only ${{NAME}} is evaluated, not $[...] or a lone $"
        )
    return expression
