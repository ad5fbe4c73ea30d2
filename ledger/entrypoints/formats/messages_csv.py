"""Recorded messages as CSV, a row each; lists are joined by spaces."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ledger.entrypoints.formats.csv_form import VERBATIM, CsvForm, csv_lines

if TYPE_CHECKING:
    from ledger.core.recording.recorded_message import RecordedMessage

# What JSON calls them. What is new comes last.
COLUMNS = (
    "process_query_key",
    "robot_code",
    "campaign",
    "sent_at",
    "deadline",
    "recipients",
    "chat",
    "open_conversation_id",
    "source",
    "undelivered",
    "recorded_at",
    "standing",
)


def messages_as_csv(batches: "Iterable[Sequence[RecordedMessage]]", form: CsvForm = VERBATIM) -> Iterator[str]:
    """Write batches of messages."""
    return csv_lines(COLUMNS, (map(_cells, messages) for messages in batches), form)


def _cells(message: "RecordedMessage") -> list[object]:
    undelivered = " ".join(f"{why}:{user}" for why, users in message.undelivered.items() for user in users)
    fields = message.to_json() | {"recipients": " ".join(message.recipients), "undelivered": undelivered}
    return [fields[name] for name in COLUMNS]
