"""Whether the history is signed and kept outside as the settings say."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import format_time
from ledger.core.check_up import Check, failed, ok, warning
from ledger.settings import Settings
from ledger.store.audit import checkpoints

# A worker that is slow or was away for a while is no trouble yet.
PATIENCE = timedelta(minutes=5)
NOT_ANCHORED = "not signed: who can write to the database can rewrite the history unseen (`ledger audit keygen FILE`)"


def look(name: str, connection: Connection, settings: Settings, now: datetime) -> Check:
    """Say how the anchoring of the history stands."""
    has_key = settings.audit_key_file is not None or settings.audit_key_command is not None
    has_place = any((settings.audit_checkpoint_file, settings.audit_stream, settings.audit_webhook_url))
    if not has_key:
        if has_place or settings.audit_tsa_url is not None:
            return failed(name, "no checkpoint is signed: make a key and set LEDGER_AUDIT_KEY_FILE or _COMMAND")
        return ok(name, NOT_ANCHORED)
    failing = [state for state in checkpoints.anchor_states(connection).values() if state.failing_since is not None]
    if failing:
        which = "; ".join(f"{one.name} since {one.failing_since:%Y-%m-%d %H:%M} UTC: {one.error}" for one in failing)
        return failed(name, f"checkpoints do not arrive, and are tried again ({which})")
    latest, last_id = checkpoints.latest(connection), checkpoints.last_entry(connection)
    if not has_place:
        return warning(name, "checkpoints stay inside the database: set LEDGER_AUDIT_CHECKPOINT_FILE, or another place")
    is_behind = last_id > (latest.last_id if latest is not None else 0)
    every = timedelta(seconds=settings.audit_checkpoint_seconds)
    if is_behind and (latest is None or now - latest.at > every + PATIENCE):
        return warning(
            name, "the last entries are in no checkpoint: start `ledger worker` or `ledger audit checkpoint`"
        )
    if latest is None:
        return ok(name, "nothing to sign yet")
    entries = "1 entry" if latest.entries == 1 else f"{latest.entries:,} entries"
    message = f"{entries} signed at {latest.at:%Y-%m-%d %H:%M} UTC"
    return ok(name, message, entries=latest.entries, signed_at=format_time(latest.at))
