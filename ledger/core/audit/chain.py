"""The proof that history was not rewritten: each entry's digest covers its content and the digest before it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ledger.clock import format_time

GENESIS = "0" * 64
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def digest(
    previous: str, *, at: datetime, event: str, actor: str, recall_id: int | None, detail: Mapping[str, Any]
) -> str:
    """Return the SHA-256 (hex) of one entry, chained to the entry before it.

    `detail` holds JSON values only; its canonical form has sorted names and no spaces, so that it is the same after
    a trip through any database.
    """
    content = _encode([previous, format_time(at), event, actor, recall_id, detail])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
