"""What the gateway itself answers: errors that have DingTalk's own shape, which senders read, and that of RFC 9457."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from ledger.entrypoints.gateway.headers import RawHeaders

ABOUT = (
    "this is the gateway of a DingTalk message ledger: it forwards /v1.0/… to DingTalk's API and records what sends "
    "return. Point the endpoint of a sender at it, nothing else"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer."""

    status: int
    headers: RawHeaders
    body: bytes


def document(status: int, content: object, media_type: str = "application/json") -> Reply:
    """Return a document as an answer."""
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body))]
    return Reply(status=status, headers=headers, body=body)


def problem(status: int, code: str, message: str) -> Reply:
    """Return an error; its codes start with `ledger.gateway.`, which DingTalk's own never do."""
    content = {
        "code": f"ledger.gateway.{code}",
        "message": message,
        "requestid": str(uuid4()).upper(),
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
    }
    return document(status, content, "application/problem+json")
