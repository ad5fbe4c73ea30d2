"""An answer before it is written out, and the writing: headers that every answer carries, JSON or a page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from .behaviour import BanForm, Behaviour
from .exchange import Cut, Reply
from .refusals import Refusal
from .scripts import ScriptedAnswer

BAN_PAGE = (
    "<!DOCTYPE html><html><head><title>Access denied</title></head>"
    "<body><h1>Too many requests from your address, it is blocked for a while.</h1></body></html>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status with JSON, or with a text that is sent as a page; `code` is that of an error."""

    status: int
    payload: Mapping[str, Any] | str
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


NOTHING = Answer(status=0, payload="")
"""What is left when a call was cut before its work."""


def refused(refusal: Refusal, request_id: str, behaviour: Behaviour) -> Answer:
    """Return the answer of an error."""
    payload = refusal.payload(request_id, capitalised=behaviour.capitalised_error_fields)
    return Answer(status=refusal.status, payload=payload, code=refusal.code)


def banned(behaviour: Behaviour) -> Answer:
    """Return what a banned address gets, which may well say 200."""
    ban = {"status": 1111, "wait": 5, "source": "x5", "punish": "deny"}
    payload = BAN_PAGE if behaviour.ban_form is BanForm.HTML else ban
    return Answer(status=behaviour.ban_status, payload=payload, code="banned")


def scripted(script: ScriptedAnswer, request_id: str) -> Answer:
    """Return a scripted answer; a body that is an error is given its request id."""
    payload: Mapping[str, Any] | str = {} if script.body is None else script.body
    code = None if isinstance(payload, str) else payload.get("code")
    if isinstance(payload, Mapping) and code is not None:
        payload = {"requestid": request_id, **payload}
    return Answer(status=script.status or 200, payload=payload, code=code)


def write(answer: Answer, request_id: str, now: datetime, delay_seconds: float, cut: Cut | None) -> Reply:
    """Write an answer out with the headers that all of them carry."""
    page = isinstance(answer.payload, str)
    body = answer.payload if isinstance(answer.payload, str) else json.dumps(answer.payload, ensure_ascii=False)
    headers = {
        "Date": format_datetime(now.astimezone(UTC), usegmt=True),
        "Content-Type": "text/html;charset=utf-8" if page else "application/json;charset=utf-8",
        "x-acs-request-id": request_id,
        **answer.headers,
    }
    return Reply(status=answer.status, headers=headers, body=body.encode(), delay_seconds=delay_seconds, cut=cut)
