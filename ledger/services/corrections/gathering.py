"""Who gets a correction of a recall, as the tables have it at this moment, and whether one may be made at all."""

import hashlib
import json
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from ledger.core.corrections.correction import Addressed, address
from ledger.core.recalls.recall import Status
from ledger.errors import WrongStateError
from ledger.store.audit.commitments import Committer
from ledger.store.corrections import correction_sends, corrections
from ledger.store.corrections.corrections import Correction, NotOneByOne
from ledger.store.recalls import queue, recalls
from ledger.store.recalls.recalls import Recall

# A sticky recall that names any of these takes no correction: that has a campaign and a source of its own.
_SPARING = ("campaign", "campaigns", "untagged", "source", "keys")


def gather(connection: Connection, recall_id: int) -> tuple[Addressed, NotOneByOne]:
    """Return who gets a correction, and which messages of the recall were not to people one by one."""
    others = NotOneByOne(messages={})
    before = correction_sends.written_to(connection, recall_id)
    return address(corrections.taken_back(connection, recall_id, others), before), others


def seen_in(addressed: Addressed, committer: Committer) -> str:
    """Return a digest over who gets a correction, and from whom; it names nobody."""
    people = [user for batch in addressed.batches for user in batch.people]
    commitments = committer.of(people)
    digest = hashlib.sha256()
    for batch in addressed.batches:
        line = [batch.app, batch.robot_code, *(commitments[user] for user in batch.people)]
        digest.update(json.dumps(line, ensure_ascii=True).encode("ascii") + b"\n")
    return digest.hexdigest()


def check_recall(connection: Connection, recall: Recall, now: datetime) -> None:
    """Raise WrongStateError while a recall, or another correction of it, is not done."""
    ended = recall.status in (Status.FINISHED, Status.CANCELLED) and not queue.has_unended(connection, recall.id)
    if not ended:
        raise WrongStateError(
            f"recall {recall.id} has not finished: whose message is gone, and who gets a correction, is known then"
        )
    other = open_of(connection, recall.id, now)
    if other is not None:
        raise WrongStateError(f"{_stands(other)}: {_instead(other)}")


def open_of(connection: Connection, recall_id: int, now: datetime) -> Correction | None:
    """Return the correction of a recall that is under way, or waits for a second person; the latest one."""
    for one in corrections.of_recall(connection, recall_id):
        asked = one.approval
        if one.status in (Status.RUNNING, Status.PAUSED):
            return one
        if one.status is Status.PLANNED and asked is not None and asked.is_open(now):
            return one
    return None


def check_not_recalled(connection: Connection, addressed: Addressed, now: datetime) -> None:
    """Raise WrongStateError when a sticky recall would take back what is about to be sent, as it takes what is late."""
    for recall in recalls.sticky(connection, now):
        if _would_take(recall, addressed):
            raise WrongStateError(
                f"recall {recall.id} is sticky, and would take the correction back as well: "
                f"`ledger unstick {recall.id}` first"
            )


def _would_take(recall: Recall, addressed: Addressed) -> bool:
    selection = recall.selection
    if any(selection.get(name) for name in _SPARING):
        return False
    robots = {batch.robot_code for batch in addressed.batches}
    if selection.get("robot") and selection["robot"] not in robots:
        return False
    users: Collection[str] = selection.get("users") or ()
    return not users or any(user in users for batch in addressed.batches for user in batch.people)


def _stands(other: Correction) -> str:
    if other.status is Status.PLANNED:
        return f"a correction of recall {other.recall_id} waits for a second person"
    return f"a correction of recall {other.recall_id} is {other.status}"


def _instead(other: Correction) -> str:
    number = other.recall_id
    if other.status is Status.PLANNED:
        return f'`ledger approve {number}`, or `ledger refuse {number} --reason "..."`, comes first'
    return f"`ledger resume {number}` goes on with it, `ledger cancel {number}` ends it"
