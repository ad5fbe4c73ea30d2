"""The messages that are recorded: the same on every run, as JSONL rows for the ledger and as tuples for a driver.

Half of them were sent more than 24 hours ago, so that a purge deletes half.
"""

import base64
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ledger.clock import format_time

# A campaign goes to everyone once, twenty users a message; a day has several campaigns.
USERS = 200_000
MESSAGES_PER_CAMPAIGN = 10_000
ROBOT = "dingbenchmarkrobot01"
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Workload:
    """So many messages, with so many recipients each, sent up to `now`."""

    messages: int
    recipients: int
    now: datetime

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the messages as rows of `import`, in the order of sending."""
        users = _users()
        for number in range(self.messages):
            start = number * self.recipients
            yield {
                "processQueryKey": key_of(number),
                "robotCode": ROBOT,
                "sentAt": format_time(self._sent_at(number)),
                "userIds": [users[at % USERS] for at in range(start, start + self.recipients)],
                "campaign": f"campaign-{number // MESSAGES_PER_CAMPAIGN}",
            }

    def write_jsonl(self, path: Path) -> None:
        """Write the messages as a file for `ledger import`."""
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in self.rows())

    def tuples(self) -> Iterator[tuple[Any, ...]]:
        """Yield the messages as tuples with Python's own types, in the order of COLUMNS."""
        return map(self._tuple, self.rows())

    def _tuple(self, row: dict[str, Any]) -> tuple[Any, ...]:
        sent_at, users = datetime.fromisoformat(row["sentAt"]), row["userIds"]
        key, campaign = row["processQueryKey"], row["campaign"]
        return ROBOT, key, "one_to_one", campaign, sent_at, sent_at + DAY, users, len(users), {}, self.now

    def _sent_at(self, number: int) -> datetime:
        """Spread the first half over hours 30 to 25 before now, the second half over the last five."""
        half = max(1, self.messages // 2)
        lap, place = divmod(number, half)
        return self.now - timedelta(hours=30 if lap == 0 else 5) + timedelta(hours=5) * min(place / half, 0.999)


COLUMNS = (
    "robot_code",
    "process_query_key",
    "chat",
    "campaign",
    "sent_at",
    "deadline",
    "recipients",
    "recipient_count",
    "undelivered",
    "recorded_at",
)


def key_of(name: int | str) -> str:
    """Return a key as DingTalk gives them: base64 without any order."""
    return base64.b64encode(hashlib.sha256(str(name).encode()).digest()).decode()


def _users() -> list[str]:
    """Return user ids in no order, as a directory hands them out."""
    users = [f"{700_000_000 + 37 * number}" for number in range(USERS)]
    random.Random(7).shuffle(users)  # noqa: S311  (the same order on every run, no secret)
    return users
