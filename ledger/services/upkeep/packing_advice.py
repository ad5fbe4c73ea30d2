"""Which senders could do with far fewer calls, and a recall of theirs as well."""

from sqlalchemy import Connection

from ledger.core.check_up import Check, ok, warning
from ledger.core.json_value import printable
from ledger.core.recording.packing import USERS_A_SEND, Packing, packings
from ledger.settings import Settings
from ledger.store.upkeep import figures

MOST_MESSAGES_LOOKED_AT = 2_000_000
MOST_SOURCES = 3


def look(name: str, connection: Connection, settings: Settings) -> Check:
    """Say what packing would save, for the sources where it saves most."""
    found = packings(figures.count_sent(connection, MOST_MESSAGES_LOOKED_AT))
    if not found:
        return ok(name, "no sender makes many more calls than it has to")
    advice = "; ".join(_advice(one, settings.calls_per_second) for one in found[:MOST_SOURCES])
    return warning(name, f"with {USERS_A_SEND} users a send, where all get the same text: {advice}")


def _advice(one: Packing, calls_per_second: float) -> str:
    who = "messages without a source" if one.source is None else printable(one.source)
    before, after = (_span(calls / calls_per_second) for calls in (one.recall_calls, one.packed_recall_calls))
    calls = f"{one.packed_recall_calls:,} call{'' if one.packed_recall_calls == 1 else 's'}"
    times = f" ({after} instead of {before})" if after != before else ""
    return (
        f"{who}, {one.packed_sends:,} sends instead of {one.sends:,}, and a recall of them {calls} instead of "
        f"{one.recall_calls:,}{times}"
    )


def _span(seconds: float) -> str:
    return f"{seconds:,.0f} s" if 1 <= seconds < 120 else f"{seconds / 60:,.0f} min" if seconds >= 120 else "under 1 s"
