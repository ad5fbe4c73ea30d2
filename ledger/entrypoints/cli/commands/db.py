"""The version of the tables: `ledger db upgrade`, `current`, `check`."""

import typer

from ledger.entrypoints.cli.screen.output import console, say
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code

app = typer.Typer(help="Create and upgrade the tables.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Create the tables, or bring them up to the version that this program needs."""
    with opened() as parts:
        from ledger.store import migrate

        before, after = migrate.current(parts.database), migrate.upgrade(parts.database)
    console().print(f"version {after}" + (" already" if before == after else f", before: {before or 'no tables'}"))


@app.command()
def current() -> None:
    """Show the version of the tables."""
    with opened() as parts:
        from ledger.store import migrate

        console().print(migrate.current(parts.database) or "no tables")


@app.command()
def check() -> Code:
    """Exit 0 when the tables are of the version that this program needs, else 1."""
    with opened() as parts:
        from ledger.store import migrate
        from ledger.store.schema import REVISION

        found, where = migrate.current(parts.database), parts.database.shown_url
    if found == REVISION:
        console().print(f"version {found}, as needed")
        return Code.DONE
    state = "has no tables" if found is None else f"has tables of version {found}"
    is_newer = found is not None and found > REVISION
    fix = "install a newer dingtalk-ledger" if is_newer else "run `ledger db upgrade`"
    say(f"error: {where} {state}; this program needs {REVISION}: {fix}")
    return Code.UNEXPECTED
