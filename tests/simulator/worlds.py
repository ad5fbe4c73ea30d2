"""A world on a clock that stands still, and a caller that speaks to it as an app would."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.simulator import Behaviour, Chat, Reply, Request, World

ROBOT = "dingrobot"
START = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OTO_RECALL = "/v1.0/robot/otoMessages/batchRecall"
OTO_SEND = "/v1.0/robot/oToMessages/batchSend"


class StillClock:
    """A clock that moves when told."""

    def __init__(self, start: datetime = START) -> None:
        self.time = start

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        """Move the time on."""
        self.time += timedelta(seconds=seconds)


class Caller:
    """An app with a token in a world of its own; every call returns the reply."""

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        apps: Mapping[str, str] | None = None,
        robots: Collection[str] | None = None,
    ) -> None:
        self.clock = StillClock()
        self.world = World(self.clock, behaviour, apps=apps, robots=robots, seed=1)
        self.token = self.world.issue_token("dingapp")

    def post(self, path: str, payload: object, *, address: str = "127.0.0.1") -> Reply:
        """Post with the token."""
        return self.world.handle(Request.post(path, payload, token=self.token, address=address))

    def get(self, target: str) -> Reply:
        """Get with the token."""
        return self.world.handle(Request.get(target, token=self.token))

    def keys(self, count: int = 1, *, age: timedelta = HOUR, chat: Chat = Chat.ONE_ON_ONE) -> list[str]:
        """Make messages that were sent a while ago."""
        conversation = None if chat is Chat.ONE_ON_ONE else "cid"
        return self.world.make_messages(
            count, robot_code=ROBOT, sent_at=self.clock() - age, chat=chat, conversation=conversation, users=["u1"]
        )

    def recall(self, keys: object, *, robot: str = ROBOT) -> Reply:
        """Recall one-on-one messages."""
        return self.post(OTO_RECALL, {"robotCode": robot, "processQueryKeys": keys})

    def send(self, users: object = ("u1",), **fields: object) -> Reply:
        """Send to users."""
        content: dict[str, Any] = {"robotCode": ROBOT, "msgKey": "sampleText", "msgParam": "{}"}
        return self.post(OTO_SEND, {**content, "userIds": users, **fields})


def code_of(reply: Reply) -> tuple[int, str]:
    """Return the status and the code of an error."""
    return reply.status, reply.json()["code"]
