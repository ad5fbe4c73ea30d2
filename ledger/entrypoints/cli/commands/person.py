"""People's rights: `ledger person export`, `erase`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from ledger.entrypoints.cli.options import Actor
from ledger.entrypoints.cli.screen.confirmation import confirm_erasure
from ledger.entrypoints.cli.screen.erasure import show_erasure, show_traces
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code
from ledger.errors import RefusedFileError, UnwritableFileError
from ledger.services.access.actor import who_acts

app = typer.Typer(help="Show a person what is stored of them, and erase them.", no_args_is_help=True)

User = Annotated[str, typer.Option("--user", metavar="ID", help="The user id of the person.")]


@app.command()
def erase(
    user: User,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history; without the id.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Erase without a question.")] = False,
    actor: Actor = None,
    as_json: AsJson = False,
) -> Code:
    """Take a person's id out of all that is stored, for good.

    First it says where the id stands, and asks. Outcomes and counts stay, under a name by lot; the history stays whole.
    """
    with opened() as parts:
        traces = parts.person_eraser.look(user)
        if not as_json:
            show_traces(console(to_stderr=True), traces)
        if traces.is_known and not yes:
            confirm_erasure()
        done = parts.person_eraser.erase(user, reason=reason, actor=who_acts(actor))
    if as_json:
        document(done)
    else:
        show_erasure(console(), done)
    if done.left is not None:
        say(f"error: the id is in no row any more, but {done.left}")
    return Code.DONE if done.left is None else Code.UNEXPECTED


@app.command()
def export(
    user: User,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="F", help="Write it to a file that only you can read.")
    ] = None,
    actor: Actor = None,
    _as_json: AsJson = False,
) -> None:
    """Write all that is stored of a person as JSON, of nobody else; the history says that it was handed out."""
    # The history says that it was handed out: that is so only where it can be written.
    with _opened(file) as output, opened() as parts:
        found = parts.person_export.run_once(user, actor=who_acts(actor))
        if output is not None:
            output.truncate()
            output.write(json.dumps(found.to_json(), ensure_ascii=False, indent=2) + "\n")
    if file is None:
        document(found)
    else:
        say(f"written to {file}")


@contextmanager
def _opened(file: Path | None) -> Iterator[TextIO | None]:
    if file is None:
        yield None
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError as error:
        raise RefusedFileError(f"{file} cannot be written ({error.strerror}): name another file") from None
    try:
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as output:
            yield output
    except OSError as error:
        raise UnwritableFileError(f"{file} cannot be written: {error.strerror}") from None
