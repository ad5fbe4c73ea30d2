"""What the demonstration sends: two campaigns, by the calls that any existing sender makes, and what goes wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ledger.errors import InputError

if TYPE_CHECKING:
    import httpx

    from ledger.app import Ledger
    from ledger.simulator import Simulator

ROBOT = "dingdemorobot"
SPRING, WELCOME = "spring-sale", "welcome"
SPRING_SENDS, SPRING_OLD, WELCOME_SENDS, PEOPLE_A_SEND = 160, 12, 15, 5
OLD = timedelta(hours=25)
REFUSAL = "the message is under legal hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One send as the sender sees it: the key that the answer held, to whom, when."""

    key: str
    users: list[str]
    at: datetime


def send(client: "httpx.Client", count: int, text: str) -> Iterator[Sent]:
    """Send messages as a sender does that knows nothing of a ledger."""
    for number in range(count):
        users = [f"user{number * PEOPLE_A_SEND + person:04}" for person in range(PEOPLE_A_SEND)]
        body = {"robotCode": ROBOT, "userIds": users, "msgKey": "sampleText", "msgParam": f'{{"content":"{text}"}}'}
        at = datetime.now(UTC)
        answer = client.post("/v1.0/robot/oToMessages/batchSend", json=body).raise_for_status().json()
        yield Sent(key=answer["processQueryKey"], users=users, at=at)


def play(book: "Ledger", dingtalk: "Simulator") -> None:
    """Send both campaigns and record them; some messages are of yesterday, some will be refused."""
    import httpx

    from ledger.simulator import FailedReason

    world = dingtalk.world
    headers = {"x-acs-dingtalk-access-token": world.issue_token("demo")}
    try:
        with httpx.Client(base_url=dingtalk.url, headers=headers, trust_env=False) as client:
            spring = list(send(client, SPRING_SENDS, "-50 % on everthing"))
            welcome = list(send(client, WELCOME_SENDS, "Welcome!"))
    except httpx.TransportError as error:
        raise InputError(f"the demonstration needs this machine's own network, at {dingtalk.url}: {error}") from None
    world.age_messages(OLD, [sent.key for sent in spring[:SPRING_OLD]])
    for number, sent in enumerate(spring):
        record(book, sent, SPRING, sent.at - OLD if number < SPRING_OLD else sent.at)
    for sent in welcome:
        record(book, sent, WELCOME, sent.at)
    # Two are refused with a reason, and one key was copied wrongly: DingTalk does not know it.
    world.change(failed_reasons={sent.key: FailedReason(reason=REFUSAL) for sent in spring[-3:-1]})
    book.record(process_query_key="copied-wrongly", robot_code=ROBOT, user_ids=["user0001"], campaign=SPRING)


def record(book: "Ledger", sent: Sent, campaign: str, at: datetime) -> None:
    """Record one send: the one line that an existing sender gets."""
    book.record(process_query_key=sent.key, robot_code=ROBOT, user_ids=sent.users, campaign=campaign, sent_at=at)
