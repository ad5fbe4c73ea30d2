"""`ledger purge`: deletes the messages that are past their window, and what is older than the history is kept."""

from ledger.entrypoints.cli.screen.output import AsJson, document, tell
from ledger.entrypoints.cli.screen.words import number_of
from ledger.entrypoints.process.book import opened


def purge(as_json: AsJson = False) -> None:
    """Delete the messages that are past their window.

    The history of recalls stays. With LEDGER_HISTORY_DAYS set, what of it is older than that leaves as well, in whole
    segments of 1,024 entries, with the recalls that these tell of; `ledger doctor` says what is kept how long.
    """
    with opened() as parts:
        purged = parts.purger.run_once()
        # Also what began to leave while it was set.
        gone = parts.retention.run_once()
        left = gone if parts.settings.history_days is not None else None
    if as_json:
        document({**purged.to_json(), **({} if left is None else {"left": left.to_json()})})
        return
    tell(f"{number_of(purged.purged, 'message')} deleted")
    if left is not None:
        entries, recalls = number_of(left.entries, "entry", "entries"), number_of(left.recalls, "recall")
        tell(f"{entries} and {recalls} have left the history")
