r"""One command as one line: how words are quoted so that the switch reads exactly the same words.

The switch splits a line at spaces and tabs. Between two `"` these are ordinary characters; `\` makes the next character
ordinary, everywhere. A line feed cannot be written: it ends the command, and the rest is the next command. Therefore:

- every text is quoted, with `\` before each `\` and `"`;
- LF and NUL are refused, since the text after them would run as a command. CR is refused, since the switch would keep
  it as data, which is never the purpose of a CR LF;
- a line longer than the switch's buffer is refused: it would be cut, and its rest would run as the next command;
- a line of too many words is refused: 128 quoted words crash Asterisk 22.10.1.

Names of variables and functions are different. The switch evaluates them: the name `SHELL(...)` runs a program. Quoting
does not help, so names must look like constants and must not contain anything that is evaluated.
"""

from __future__ import annotations

from ivr.agi.errors import LocalProtocolError

MAX_LINE = 8191  # bytes, line feed included: what fits into the switch's buffer of 8192
MAX_WORDS = 126  # the switch has 128; one ends the list, and one is a margin

_SHOWN = 60  # characters of a refused text that an error message shows


def quote(text: str) -> str:
    """Quote a text as one word of the line."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if '"' in text:
        text = text.replace('"', '\\"')
    return f'"{text}"'


def encode(verb: str, words: tuple[str | int, ...]) -> bytes:
    """The line for a command, with its line feed. Raises `LocalProtocolError` for what cannot be sent safely."""
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
    """Check the name of a variable or function: `NAME` or `NAME(arguments)`, with nothing to evaluate inside.

    Names are written in our code, never taken from a caller. Raises `LocalProtocolError` for anything else.
    """
    if isinstance(name, str) and name.isascii():
        plain, bracket, arguments = name.partition("(")
        if plain.isidentifier():
            if not bracket:
                return name
            if arguments.endswith(")") and not _EVALUATED.intersection(arguments[:-1]):
                return name
    excerpt = repr(name)[:_SHOWN]
    raise LocalProtocolError(
        f"{verb}: {excerpt} is not a constant name; write NAME or NAME(arguments) without $, quotes"
    )


_EVALUATED = frozenset("$\"'\\()\n\r\0")


def constant_expression(verb: str, expression: object) -> str:
    """Check a text with `${NAME}` in it: every name must be a constant. Raises `LocalProtocolError`."""
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
