"""Reading what DingTalk says of one message: is it still there, and who has read it?

Sources: open.dingtalk.com, "query the read status of one-on-one bot messages in batches" (one key a call, everybody it
reached, read or not), "query the read status of a group message" and "query the read list of robot messages in
person-to-person conversations" (readers alone, a page of at most 200 at a time). Each costs a call of the quota.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ledger.core.answer import Answer, NoAnswer
from ledger.core.key_results import KeyReading
from ledger.core.recalls.recall import Outcome
from ledger.core.recording.message import Chat

# By these names, processes share the pace of these calls.
READ_APIS: Mapping[Chat, str] = {
    Chat.ONE_TO_ONE: "readStatus",
    Chat.GROUP: "groupMessages/query",
    Chat.PRIVATE: "privateChatMessages/query",
}
READERS_PER_PAGE = 200
CODE = "readStatus"


class SendStatus(StrEnum):
    """Whether a message is there."""

    SUCCESS = "SUCCESS"
    RECALLED = "RECALLED"
    PROCESSING = "PROCESSING"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPage:
    """What one answer says: `status` None for none that is known, `readers` None when it names nobody's reading.

    `unread` are those who were seen not to have read it; None when only readers are told.
    """

    status: SendStatus | None
    readers: frozenset[str] | None
    unread: int | None = None
    next_token: str | None = None


def read_page(chat: Chat, answer: Answer | NoAnswer) -> ReadPage:
    """Read the answer to a question about one message, whatever shape it has; it claims nothing that is not said.

    Of a message that was recalled, a list without anybody may as well be one that is not told any more.
    """
    said = _said(answer)
    status = _status(said.get("sendStatus"))
    if chat is Chat.ONE_TO_ONE:
        return _page_of_everybody(status, said.get("messageReadInfoList"))
    users = said.get("readUserIds", ())
    named = frozenset(user for user in users or () if isinstance(user, str)) if isinstance(users, list | None) else None
    if "readUserIds" not in said or (status is SendStatus.RECALLED and not named):
        named = None
    if said.get("hasMore") is not True or named is None:
        return ReadPage(status=status, readers=named)
    token = said.get("nextToken")
    # Some of those who read it cannot be asked for: how many did is not known.
    if not isinstance(token, str) or not token:
        return ReadPage(status=status, readers=None)
    return ReadPage(status=status, readers=named, next_token=token)


def _status(said: object) -> SendStatus | None:
    # One sample of the documentation misspells it.
    text = "SUCCESS" if said == "SUCESS" else said
    return SendStatus(text) if isinstance(text, str) and text in tuple(SendStatus) else None


def _page_of_everybody(status: SendStatus | None, listed: object) -> ReadPage:
    said = {
        one["userId"]: one.get("readStatus")
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, Mapping) and isinstance(one.get("userId"), str)
    }
    # Whom nothing clear is said of would be counted as either.
    if not said or not set(said.values()) <= {"READ", "UNREAD"}:
        return ReadPage(status=status, readers=None)
    readers = frozenset(user for user, read in said.items() if read == "READ")
    return ReadPage(status=status, readers=readers, unread=len(said) - len(readers))


def settle_by_status(outcome: Outcome, answer: Answer | NoAnswer) -> KeyReading | None:
    """Return what an item that ended unknown or partial turns out to be; None when the answer does not tell.

    RECALLED proves a recall. SUCCESS proves that at least somebody still has the message: an unknown was refused, a
    partial stays partial. PROCESSING, an error or no answer prove nothing.
    """
    said = _said(answer).get("sendStatus")
    status = _status(said)
    if status is SendStatus.RECALLED:
        return KeyReading(outcome=Outcome.RECALLED, code=CODE, reason=status)
    if status is SendStatus.SUCCESS and outcome is Outcome.UNKNOWN:
        return KeyReading(outcome=Outcome.REFUSED, code=CODE, reason=f"{said}: the message is still there")
    return None


def _said(answer: Answer | NoAnswer) -> Mapping[str, Any]:
    is_told = isinstance(answer, Answer) and answer.status == 200 and isinstance(answer.body, Mapping)
    return answer.body if is_told and isinstance(answer, Answer) else {}
