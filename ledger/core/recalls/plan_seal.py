"""The token of a plan: whoever shows it runs exactly what was shown. Only a digest of it is kept, beside the plan."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

# Where the digest stands in the JSON of a plan that is kept.
DIGEST = "token_digest"
# A token is kept nowhere, what messages say with these alone, and what waits beside a plan is another thing each time.
_NOT_KEPT = ("token", "excerpts", "also_waiting")


def sealed(plan: Mapping[str, Any], token: str | None, *, actor: str, selection: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON of a plan as it is kept: without its token, with a digest that binds it to what was shown."""
    kept = {name: value for name, value in plan.items() if name not in _NOT_KEPT}
    return kept if token is None else kept | {DIGEST: _digest(kept, token, actor, selection)}


def is_of(token: str, plan: Mapping[str, Any], *, actor: str, selection: Mapping[str, Any]) -> bool:
    """Say whether a token is that of a plan as it is kept, shown to its actor."""
    digest = plan.get(DIGEST)
    return isinstance(digest, str) and hmac.compare_digest(digest, _digest(plan, token, actor, selection))


def without_digest(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kept plan as doors show it."""
    return {name: value for name, value in plan.items() if name != DIGEST}


def _digest(plan: Mapping[str, Any], token: str, actor: str, selection: Mapping[str, Any]) -> str:
    shown = [token, actor, dict(selection), without_digest(plan)]
    written = json.dumps(shown, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(written.encode()).hexdigest()
