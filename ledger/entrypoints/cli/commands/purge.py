"""`ledger purge`: deletes the messages that are past their window."""

from ledger.entrypoints.cli.screen.output import AsJson, console, document
from ledger.entrypoints.cli.screen.words import number_of
from ledger.entrypoints.process.book import opened


def purge(as_json: AsJson = False) -> None:
    """Delete the messages that are past their window.

    The history of recalls stays.
    """
    with opened() as parts:
        purged = parts.purger.run_once()
    if as_json:
        document(purged)
    else:
        console().print(f"{number_of(purged.purged, 'message')} deleted")
