"""A checkpoint: how far the history had come at some moment, signed, to be kept where whoever can rewrite it cannot.

It is JSON in its canonical form (sorted names, no spaces, UTF-8). The signature is over all of it but `signature` and
`timestamp`.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from ledger.clock import format_time, parse_time
from ledger.core.audit.merkle import SEGMENT_ENTRIES
from ledger.core.json_value import JsonValue
from ledger.errors import InputError

KIND = "dingtalk-ledger checkpoint"
VERSION = 1
_DIGEST = re.compile("[0-9a-f]{64}")
_MOST_ENTRIES = 2**63


def canonical(value: object) -> bytes:
    """Return JSON in the one form that is signed and hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(JsonValue):
    """The history at a moment: so many entries, the digest of the last one, the root of the tree of all.

    `key` says which key signed it, `signature` is in base64; both are empty where there is no key. `timestamp` is what
    a time-stamp authority answered (RFC 3161, DER in base64), with its address. `first` is the digest of the first
    entry, which says of which ledger it is; checkpoints of an earlier release do not.
    """

    entries: int
    head: str
    root: str
    at: datetime
    key: str = ""
    signature: str = ""
    timestamp: Mapping[str, str] | None = None
    first: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as it is written."""
        more = {} if self.timestamp is None else {"timestamp": dict(self.timestamp)}
        return {**self._signed(), "signature": self.signature, **more}

    def to_line(self) -> str:
        """Return it as one line of JSON, without its end."""
        return canonical(self.to_json()).decode()

    def signed_bytes(self) -> bytes:
        """Return what its signature is over."""
        return canonical(self._signed())

    def _signed(self) -> dict[str, Any]:
        return {
            "kind": KIND,
            "version": VERSION,
            "entries": self.entries,
            "head": self.head,
            "root": self.root,
            "segment": SEGMENT_ENTRIES,
            "at": format_time(self.at),
            "key": self.key,
            **({"first": self.first} if self.first else {}),
        }

    @classmethod
    def read(cls, document: object) -> Self:
        """Read one that was written; raise ValueError when it is none."""
        if not isinstance(document, Mapping) or document.get("kind") != KIND:
            raise ValueError("it is no checkpoint")
        if (document.get("version"), document.get("segment")) != (VERSION, SEGMENT_ENTRIES):
            raise ValueError("it is a checkpoint of another version of this program")
        entries, texts = document.get("entries"), [document.get(name) for name in ("at", "key", "signature")]
        digests = [document.get(name) for name in ("head", "root")]
        is_count = isinstance(entries, int) and not isinstance(entries, bool) and 0 <= entries < _MOST_ENTRIES
        is_whole = is_count and all(isinstance(one, str) for one in (*texts, *digests))
        first = document.get("first", "")
        is_whole = is_whole and isinstance(first, str) and (not first or _DIGEST.fullmatch(first) is not None)
        if not is_whole or not all(_DIGEST.fullmatch(str(one)) for one in digests):
            raise ValueError("it is no whole checkpoint")
        try:
            at = parse_time(str(document["at"]))
        except InputError as error:
            raise ValueError(f"it is no whole checkpoint: {error}") from None
        stamp = document.get("timestamp")
        return cls(
            entries=int(document["entries"]),
            head=str(document["head"]),
            root=str(document["root"]),
            at=at,
            key=str(document["key"]),
            signature=str(document["signature"]),
            timestamp={str(name): str(value) for name, value in stamp.items()} if isinstance(stamp, Mapping) else None,
            first=first,
        )


def signature_bytes(checkpoint: Checkpoint) -> bytes:
    """Return the signature of a checkpoint; nothing when it has none that could be one."""
    try:
        return base64.b64decode(checkpoint.signature, validate=True)
    except ValueError:
        return b""
