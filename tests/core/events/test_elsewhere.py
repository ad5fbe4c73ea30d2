"""What other hands have recalled counts as gone only where nobody can have it any more."""

from collections.abc import Collection, Sequence

import pytest

from ledger.core.events.elsewhere import READ_STATUS, ToldGone
from ledger.core.recording.message import Chat


@pytest.mark.parametrize(
    ("chat", "recipients", "users", "is_gone"),
    [
        (Chat.ONE_TO_ONE, ["ann"], ["ann"], True),
        # One copy is the one that was recalled, whoever the event names.
        (Chat.ONE_TO_ONE, ["ann"], [None], True),
        (Chat.ONE_TO_ONE, ["ann"], ["an admin"], True),
        # Of several, one event may be of one copy.
        (Chat.ONE_TO_ONE, ["ann", "bob"], ["ann"], False),
        (Chat.ONE_TO_ONE, ["ann", "bob"], [None], False),
        (Chat.ONE_TO_ONE, ["ann", "bob"], ["an admin"], False),
        (Chat.ONE_TO_ONE, ["ann", "bob"], ["bob", "ann"], True),
        (Chat.ONE_TO_ONE, ["ann", "bob"], ["bob", "ann", None], True),
        # Of whom nobody knows, anybody may have it.
        (Chat.ONE_TO_ONE, [], ["ann"], False),
        (Chat.GROUP, [], ["an admin"], True),
        (Chat.GROUP, [], [None], True),
        (Chat.PRIVATE, ["ann", "bob"], ["ann"], True),
    ],
)
def test_a_message_that_somebody_may_have_is_not_gone(
    chat: Chat, recipients: Sequence[str], users: Collection[str | None], is_gone: bool
) -> None:
    told = ToldGone(
        message_id=1,
        robot_code="r",
        process_query_key="k",
        chat=chat,
        recipients=recipients,
        users=users,
        cause="event e",
    )
    assert told.is_gone is is_gone


def test_a_read_status_speaks_of_all_copies() -> None:
    told = ToldGone(
        message_id=1,
        robot_code="r",
        process_query_key="k",
        chat=Chat.ONE_TO_ONE,
        recipients=["ann", "bob"],
        users=(),
        cause=READ_STATUS,
    )
    assert told.is_gone
