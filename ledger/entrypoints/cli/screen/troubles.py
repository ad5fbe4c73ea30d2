"""What holds a run up, in the few words that a line of progress has room for."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from ledger.core.answer import THROUGH_PROXY
from ledger.core.recalls.reply import Verdict
from ledger.entrypoints.cli.screen.words import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_CHARACTERS = 38
# What an operating system and an HTTP library put around the words that tell.
_AROUND = re.compile(r"^.*\b\w+(Error|Timeout)\b:?\s*|\[[^]]*\]\s*")
_NO_ANSWER, _NOT_SENT = "no_answer", "not_sent"


def waits_until(trouble: "Mapping[str, str | None] | None") -> datetime | None:
    """Return until when no call may leave, of a Result's `trouble`; None when one may."""
    until = trouble.get("until") if trouble is not None else None
    return datetime.fromisoformat(until) if until is not None else None


def trouble_in_words(trouble: "Mapping[str, str | None]") -> str:
    """Say what held up the last call; its verdict, code and reason are those of a Result's `trouble`."""
    code, reason = trouble.get("code"), trouble.get("reason")
    match Verdict(trouble["verdict"] or ""):
        case Verdict.TROUBLE if code in (_NO_ANSWER, _NOT_SENT):
            who = "the proxy" if THROUGH_PROXY in (reason or "") else "DingTalk"
            return f"{who} does not answer: {_short(reason) or 'no more is known'}"
        case Verdict.TROUBLE:
            return f"DingTalk has trouble: {_short(code)}"
        case Verdict.THROTTLED:
            return "throttled, going slower"
        case Verdict.BANNED:
            return "DingTalk shut this address out"
        case Verdict.RENEW:
            return "renewing the access token"
        case Verdict.PAUSE:
            return f"DingTalk refuses: {_short(code)}"
        case Verdict.ANSWERED | Verdict.SPLIT:
            return ""
        case verdict:
            assert_never(verdict)


def _short(text: str | None) -> str:
    """Return the words of an error without the numbers and names around them."""
    first = (text or "").strip().splitlines()[:1]
    whole = plain(first[0]) if first else ""
    message = _AROUND.sub("", whole).strip() or ("timed out" if whole.endswith("Timeout") else whole)
    if re.match(r"[A-Z][a-z]+ ", message):
        message = message[0].lower() + message[1:]
    return message if len(message) <= LONGEST_CHARACTERS else message[: LONGEST_CHARACTERS - 1] + "…"
