"""Where things are written: one JSON document or a table on stdout, everything else for people on stderr."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ledger.errors import UnwritableFileError

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.core.json_value import JsonValue

Value = TypeVar("Value")
# With these, Rich may take a file or a pipe for a terminal.
_TAKEN_FOR_TERMINAL = {"FORCE_COLOR", "TTY_COMPATIBLE"}
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout, and nothing else.")]


def console(*, to_stderr: bool = False) -> "Console":
    """Return a console for people; what users named is shown as it is, never read as markup or obeyed by a terminal."""
    from ledger.entrypoints.cli.screen.paper import Paper

    return Paper(stderr=to_stderr, markup=False, highlight=False, emoji=False)


def say(text: str) -> None:
    """Write a sentence for people to stderr; a file or a pipe gets it in one line."""
    _write_sentence(text, to_stderr=True)


def say_command(text: str) -> None:
    """Write a command that somebody is to copy to stderr: in one line, which only the edge of the screen folds."""
    from ledger.core.json_value import printable_lines

    sys.stderr.write(f"{printable_lines(text)}\n")
    sys.stderr.flush()


def tell(text: str) -> None:
    """Write a sentence for people to stdout; a file or a pipe gets it in one line."""
    _write_sentence(text, to_stderr=False)


def _write_sentence(text: str, *, to_stderr: bool) -> None:
    stream = sys.stderr if to_stderr else sys.stdout
    if stream.isatty() or not _TAKEN_FOR_TERMINAL.isdisjoint(os.environ):
        from ledger.entrypoints.cli.screen.sentences import sentence

        sentence(console(to_stderr=to_stderr), text)
    else:
        # A start that writes one line is not to pay for what draws tables.
        from ledger.core.json_value import printable_lines

        stream.write(f"{printable_lines(text)}\n")
        stream.flush()


def document(value: object) -> None:
    """Write the one JSON document."""
    from ledger.core.json_value import jsonable

    typer.echo(_written(jsonable(value), indent=2))


def document_of_list(values: Iterable["JsonValue"]) -> None:
    """Write a list as the one JSON document, an element a line, without ever holding it whole."""
    waiting = iter(values)
    # What fails, fails here: nothing has been written yet.
    first = list(islice(waiting, 1))
    typer.echo("[", nl=False)
    before = "\n"
    for value in chain(first, waiting):
        sys.stdout.write(before + _written(value.to_json()))
        before = ",\n"
    typer.echo("\n]" if first else "]")


def lines_of_json(values: Iterable["JsonValue"]) -> None:
    """Write each value as a JSON document of its own, a line each."""
    for value in values:
        sys.stdout.write(_written(value.to_json()) + "\n")


def document_of_error(code: str, message: str) -> None:
    """Write an error as the one JSON document, if it can be written at all."""
    with suppress(OSError, UnwritableFileError):
        document({"error": {"code": code, "message": message}})


def _written(value: object, indent: int | None = None) -> str:
    """Write JSON; a terminal, which obeys what does not print, gets escapes that mean the same, a pipe the letters."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if not sys.stdout.isatty():
        return text
    from ledger.core.json_value import printable_json

    return printable_json(text)


def batches(values: Iterable[Value], size: int) -> Iterator[Sequence[Value]]:
    """Yield values in batches, so that a long list shows at once."""
    waiting = iter(values)
    while batch := list(islice(waiting, size)):
        yield batch
