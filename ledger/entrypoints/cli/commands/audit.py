"""`ledger audit`: signs how far the history has come, checks it against what was signed, hands out evidence."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.entrypoints.cli.screen.output import AsJson, document, say
from ledger.entrypoints.cli.screen.words import number_of
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code

app = typer.Typer(help="Sign the history, check it against what was signed, hand out evidence.", no_args_is_help=True)


@app.command()
def keygen(
    file: Annotated[Path, typer.Argument(metavar="F", help="Where the private key goes; the public one is F.pub.")],
    as_json: AsJson = False,
) -> None:
    """Make a key that signs checkpoints (Ed25519).

    F is for you alone. Hand F.pub to who checks, and keep a copy of both elsewhere.
    """
    from ledger.services.audit.keys import PUBLIC_SUFFIX, generate

    name, public = generate(file), f"{file}{PUBLIC_SUFFIX}"
    if as_json:
        document({"key": name, "private_key": str(file), "public_key": public})
        return
    say(f"Key {name}: set LEDGER_AUDIT_KEY_FILE={file}, and hand {public} to who checks the history")


@app.command()
def checkpoint(as_json: AsJson = False) -> Code:
    """Sign how far the history has come, and take that to every place that is set.

    Workers do it by themselves. The checkpoint is one line of JSON: keep it where nobody can change it.
    """
    with opened() as parts:
        written = parts.checkpointer.run_once(but_for=("stdout",))
    if as_json:
        document(written)
    else:
        typer.echo(written.checkpoint.to_line())
        reached = f", kept by {', '.join(written.reached)}" if written.reached else ""
        signed = number_of(written.checkpoint.entries, "entry", "entries")
        say(f"{signed} signed with key {written.checkpoint.key}{reached}")
    for name, why in written.failed.items():
        say(f"error: the checkpoint did not reach {name}: {why}")
    return Code.UNEXPECTED if written.failed else Code.DONE
