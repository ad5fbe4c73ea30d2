"""`ledger audit`: signs how far the history has come, checks it against what was signed, hands out evidence."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.entrypoints.cli.commands.audit_export import export
from ledger.entrypoints.cli.commands.audit_reads import reads
from ledger.entrypoints.cli.commands.verify import KnownDigest
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.cli.screen.words import number_of
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from ledger.parts import Parts

app = typer.Typer(help="Sign the history, check it against what was signed, hand out evidence.", no_args_is_help=True)
app.command("export")(export)
app.command("reads")(reads)


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
    # Whole: who reads the setting may be in another folder.
    setting = f"LEDGER_AUDIT_KEY_FILE={shlex.quote(str(file.absolute()))}"
    say(f"Key {name}: set {setting}, and hand {public} to who checks the history")


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


@app.command("verify")
def verify_(
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", metavar="F", help="A file of checkpoints that was kept elsewhere. Repeatable."),
    ] = None,
    public_keys: Annotated[
        list[Path] | None,
        typer.Option("--public-key", metavar="F", help="The key that must have signed them. Repeatable."),
    ] = None,
    known: KnownDigest = None,
    as_json: AsJson = False,
) -> Code:
    """Prove the history by the checkpoints that were kept elsewhere.

    Without any, the one of LEDGER_AUDIT_CHECKPOINT_FILE. It names what was done, up to where all is good, and what is
    not proven. Exit 1 when something does not fit.
    """
    from ledger.entrypoints.cli.screen.audit_report import show_audit_report
    from ledger.entrypoints.cli.screen.rows_progress import rows_shown

    with opened() as parts, rows_shown() as progress:
        files, keys = _files(parts, checkpoints or []), _keys(parts, public_keys or [])
        found = parts.audit_verifier.run_once(files, keys, known, progress=progress)
        missing = _missing_file(parts, checkpoints or [])
    is_good = found.ok and missing is None
    if as_json:
        document(replace(found, ok=is_good))
    else:
        show_audit_report(console(), found)
    if missing is not None:
        say(f"error: {missing} (LEDGER_AUDIT_CHECKPOINT_FILE) is not there: --checkpoint names another copy of it")
    elif not found.ok and not as_json:
        say("error: something is not as it was written down, or not as it was signed")
    return Code.DONE if is_good else Code.UNEXPECTED


def _files(parts: "Parts", given: list[Path]) -> list[Path]:
    own = parts.settings.audit_checkpoint_file
    return given or ([own] if own is not None and own.exists() else [])


def _missing_file(parts: "Parts", given: list[Path]) -> Path | None:
    """Return the file that is to be there, where none is named and it is not: nothing outside is left to go by."""
    own = parts.settings.audit_checkpoint_file
    return own if not given and own is not None and not own.exists() else None


def _keys(parts: "Parts", given: list[Path]) -> "list[Ed25519PublicKey]":
    """Return the keys to trust; where none is named, our own, if it can be had."""
    from ledger.errors import LedgerError
    from ledger.services.audit.keys import has_key, private_key, public_key

    if given or not has_key(parts.settings):
        return [public_key(path) for path in given]
    try:
        return [private_key(parts.settings).public_key()]
    except LedgerError as error:
        say(f"warning: signatures are not checked: {error}")
        return []
