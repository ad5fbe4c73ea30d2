"""What goes in and out of the pretend DingTalk: a request, a reply, and how the line may be cut. No sockets here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

TOKEN_HEADER = "x-acs-dingtalk-access-token"  # noqa: S105 - the name of a header, not a secret


class Cut(StrEnum):
    """Where the connection is closed on the caller."""

    BEFORE_WORK = "before_work"
    """Nothing was done and not a byte of an answer is sent."""
    AFTER_WORK = "after_work"
    """Everything was done, yet not a byte of the answer is sent."""
    MID_BODY = "mid_body"
    """Everything was done; the answer stops in the middle of its body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as it arrived; `path` is without the query, `query` is decoded, header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    address: str = "127.0.0.1"

    @classmethod
    def get(cls, target: str, *, token: str | None = None, address: str = "127.0.0.1") -> Self:
        """Build a GET from a path that may carry a query."""
        return cls.of("GET", target, {} if token is None else {TOKEN_HEADER: token}, address=address)

    @classmethod
    def post(cls, target: str, payload: object, *, token: str | None = None, address: str = "127.0.0.1") -> Self:
        """Build a POST whose body is `payload` as JSON."""
        headers = {} if token is None else {TOKEN_HEADER: token}
        return cls.of("POST", target, headers, json.dumps(payload).encode(), address)

    @classmethod
    def of(
        cls, method: str, target: str, headers: Mapping[str, str], body: bytes = b"", address: str = "127.0.0.1"
    ) -> Self:
        """Build a request from what stands on the wire: a target with its query, header names in any case."""
        parts = urlsplit(target)
        return cls(
            method=method,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)) if parts.query else {},
            headers={name.lower(): value for name, value in headers.items()},
            body=body,
            address=address,
        )

    @property
    def token(self) -> str:
        """The access token that came along, or an empty text."""
        return self.headers.get(TOKEN_HEADER, "")

    def fields(self) -> dict[str, Any] | None:
        """The parameters: the query of a GET, else the JSON object of the body; None when that is no JSON object."""
        if self.method == "GET":
            return dict(self.query)
        try:
            payload = json.loads(self.body)
        except ValueError:
            return None
        return payload if isinstance(payload, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer; a caller without a socket looks at `cut` first, and takes `delay_seconds` on its own clock.

    The status is 0 when the line is cut before the work: there is no answer then.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    delay_seconds: float = 0.0
    cut: Cut | None = None

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)
