"""Recording one message by hand; what several commands say of a message stands here too."""

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.clock import parse_time
from ledger.entrypoints.cli.durations import read_expiry
from ledger.entrypoints.cli.options import CampaignTag, SentAt, SourceTag
from ledger.entrypoints.cli.screen.output import AsJson, document, tell
from ledger.entrypoints.process.book import opened

if TYPE_CHECKING:
    from ledger.services.recording.batches import WriteCounts


def record(
    robot: Annotated[str, typer.Option("--robot", help="The robotCode that sent it.")],
    key: Annotated[str, typer.Option("--key", help="The processQueryKey that the send call returned.")],
    user: Annotated[list[str] | None, typer.Option("--user", help="A user id that it reached; repeatable.")] = None,
    campaign: CampaignTag = None,
    sent_at: SentAt = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", help="The openConversationId, for a group or private message.")
    ] = None,
    chat: Annotated[
        str | None,
        typer.Option("--chat", help="one_to_one, group or private. Without: group when there is a conversation."),
    ] = None,
    source: SourceTag = None,
    expires_in: Annotated[
        str | None,
        typer.Option("--expires-in", metavar="DURATION", help="A worker recalls it so long after (90s, 30m, 8h)."),
    ] = None,
    expires_at: Annotated[
        str | None, typer.Option("--expires-at", metavar="TIME", help="A worker recalls it then.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record one message.

    Without --sent-at it counts as sent now. Recording twice changes nothing.
    """
    at = parse_time(sent_at) if sent_at is not None else None
    with opened() as parts:
        recorded = parts.recorder.record(
            {
                "process_query_key": key,
                "robot_code": robot,
                "user_ids": user or (),
                "campaign": campaign,
                "sent_at": at,
                "open_conversation_id": conversation,
                "source": source,
                "chat": chat,
                "expires_in": read_expiry(expires_in),
                "expires_at": expires_at,
            }
        )
    if as_json:
        document(recorded)
    else:
        tell(_message(recorded))


def _message(recorded: "WriteCounts") -> str:
    if recorded.spooled:
        return "kept in the spool: the database is away, and it is recorded when that is back"
    if recorded.recorded:
        return "recorded"
    return "the ledger had this message already" + (f": {recorded.note}" if recorded.note else "")
