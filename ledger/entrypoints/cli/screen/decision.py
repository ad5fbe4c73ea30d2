"""What is decided, in one line: how many messages, which ones, and from how many people they are taken."""

from typing import TYPE_CHECKING

from ledger.clock import parse_time
from ledger.core.named import Meant, meant_by, shortened
from ledger.entrypoints.cli.screen.words import moment, number_of, plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ledger.core.recall import Plan

_WORDS = {
    "campaign": "of {}",
    "untagged": "without a campaign",
    "users": "that reached {}",
    "keys": "with the key {}",
    "robot": "sent by robot {}",
    "source": "from source {}",
    "since": "sent from {}",
    "until": "sent before {}",
}


def decision_of(plan: "Plan", selection: "Mapping[str, Any]") -> str:
    """Write `recall 350 messages of spring-promo from 2,114 people`; a long name is cut in its middle."""
    what = " ".join([number_of(plan.eligible, "message"), *map(_meant, meant_by(selection))])
    if plan.eligible and not plan.recipients:
        return f"recall {what} (the ledger does not know from whom)"
    return f"recall {what} from {number_of(plan.recipients, 'person', 'people')}"


def _meant(one: Meant) -> str:
    is_time = one.kind in ("since", "until")
    names = [moment(parse_time(name)) if is_time else plain(shortened(name)) for name in one.names]
    more = f" and {one.more:,} more" if one.more else ""
    return _WORDS[one.kind].format(", ".join(names) + more)
