"""What people hear when a recall needs a second person: why, and what to do."""

from ledger.clock import format_time
from ledger.core.recalls.approval import Approval, CountedTogether, Reach


def why_beyond(recall_id: int, reach: Reach) -> str:
    """Say what goes beyond what one person may do."""
    size = f"at least {reach.people:,} people, {reach.messages:,} messages"
    match reach.counted:
        case CountedTogether.RECALL:
            return f"recall {recall_id} is larger than one person may start alone."
        case CountedTogether.ACTOR:
            return (
                f"recall {recall_id} and what the same person started alone in the last 24 hours are together larger "
                f"than one person may start alone ({size})."
            )
        case CountedTogether.AGENTS:
            return (
                f"recall {recall_id} and what agents of the same person started alone in the last 24 hours are more "
                f"than agents may start alone ({size})."
            )
        case CountedTogether.CAMPAIGN:
            return (
                f"recall {recall_id} and what was recalled of the same campaign in the last 24 hours without a second "
                f"person are together larger than one person may start alone ({size})."
            )


def what_now(recall_id: int, approval: Approval) -> str:
    """Say who asked, and who has to answer by when."""
    # People read this: a second is exact enough.
    until = format_time(approval.valid_until.replace(microsecond=0)) if approval.valid_until else "its deadline"
    return (
        f"{approval.requested_by} asked for it; now another operator has to agree before {until}: "
        f'`ledger approve {recall_id}`, or `ledger refuse {recall_id} --reason "..."`'
    )
