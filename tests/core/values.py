"""Valid values by default, and the strategies from which the properties draw theirs."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ledger.core.recalls.plan import Candidate, Standing
from ledger.core.recording.message import AppName, Chat, ConversationId, RobotCode, Route

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SAMPLES: dict[str, Any] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parent.parent / "samples").glob("*.json"))
}

Json = None | bool | int | float | str | list[Any] | dict[str, Any]


def a_route(app: str = "default", robot: str = "dingbot", conversation: str | None = None) -> Route:
    """Return a route, of a group when there is a conversation."""
    return Route(
        app=AppName(app),
        chat=Chat.ONE_TO_ONE if conversation is None else Chat.GROUP,
        robot_code=RobotCode(robot),
        open_conversation_id=None if conversation is None else ConversationId(conversation),
    )


ROUTES = (a_route(), a_route(robot="dingother"), a_route(conversation="cid=="), a_route(app="second"))


def a_candidate(
    message_id: int = 1,
    *,
    route: Route = ROUTES[0],
    deadline: datetime = NOW + HOUR,
    recipients: tuple[str, ...] = ("u1",),
    held: Standing | None = None,
) -> Candidate:
    """Return a message that can be recalled for another hour."""
    return Candidate(message_id=message_id, route=route, deadline=deadline, recipients=recipients, held=held)


def after(seconds: float) -> datetime:
    """Return a moment so long after now."""
    return NOW + timedelta(seconds=seconds)


def spans(least: timedelta, most: timedelta) -> st.SearchStrategy[timedelta]:
    """Draw spans of time, to the microsecond."""
    one = timedelta(microseconds=1)
    return st.integers(least // one, most // one).map(lambda count: timedelta(microseconds=count))


def junk() -> st.SearchStrategy[Json]:
    """Draw any JSON, with the texts that databases and decoders stumble over."""
    texts = st.text(max_size=20) | st.sampled_from(["", "\x00", "\ud800", "a" * 5000, "k1"])
    single = st.none() | st.booleans() | st.integers() | st.floats() | texts
    return st.recursive(
        single,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=8,
    )
