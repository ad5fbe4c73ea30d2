"""The line between one process and the pretend DingTalk: what can go wrong on it, and a record of what arrived."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import httpx

from ledger.simulator import Cut, Reply, Request, ScriptedAnswer, World
from tests.world.timeline import Process, Timeline

NORMAL = "normal"
TOKEN_PATHS = ("/v1.0/oauth2/accessToken",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One recall request as the world saw it; `recalled` are the keys that it, and none before it, took back."""

    at: datetime
    path: str
    robot: str
    conversation: str | None
    keys: tuple[str, ...]
    recalled: frozenset[str]
    process: str
    recall_id: int
    is_delayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One send of a correction as the world saw it."""

    at: datetime
    robot: str
    is_delayed: bool


@dataclass(slots=True, kw_only=True)
class Weather:
    """How often which trouble comes on the line; all lines of a day share it."""

    chance: float = 0.0
    kinds: tuple[str, ...] = (NORMAL,)
    slow_seconds: float = 0.2
    arrivals: list[Arrival] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)


def _error(code: str, status: int, *, does_work: bool = False) -> ScriptedAnswer:
    body = {"code": code, "message": f"{code} for the day", "requestid": "r"}
    return ScriptedAnswer(status=status, body=body, does_work=does_work)


_QPS = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"
_QPM = "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi"
_FORBIDDEN = "Forbidden.AccessDenied.AccessTokenPermissionDenied"
# What the world answers in place of the ordinary; the names stand in a day's weather.
ANSWERS: Mapping[str, ScriptedAnswer] = {
    "server error": _error("system.error", 500),
    "server error after the work": _error("system.error", 500, does_work=True),
    "unavailable": _error("ServiceUnavailable", 503),
    "unavailable after the work": _error("ServiceUnavailable", 503, does_work=True),
    "a page of a broken gateway": ScriptedAnswer(status=502, body="<html>bad gateway</html>", does_work=True),
    "busy": _error("system.busy", 429),
    "too many a second": _error(_QPS, 403),
    "too many a minute": _error(_QPM, 403),
    "robot too fast": _error("send.too.fast", 400),
    "permission denied once": _error(_FORBIDDEN, 403),
    "no such path": _error("InvalidAction.NotFound", 404),
    "a 400 for no key": _error("invalidParameter.param.invalid", 400),
    "a 200 without results": ScriptedAnswer(status=200, body={}, does_work=True),
    "a 200 that is no JSON": ScriptedAnswer(status=200, body="ok", does_work=True),
    "short ban": ScriptedAnswer(status=200, body={"status": 1111, "wait": 0.1, "punish": "deny"}),
    "cut before the work": ScriptedAnswer(cut=Cut.BEFORE_WORK),
    "cut after the work": ScriptedAnswer(cut=Cut.AFTER_WORK),
    "cut in the body": ScriptedAnswer(cut=Cut.MID_BODY),
    "slow": ScriptedAnswer(delay_seconds=1.5),
    "never answered": ScriptedAnswer(delay_seconds=3600),
}
# What happens to the request on its way, in one's own hands or in the network's.
JOURNEYS = ("no connection", "arrives late", "token ended", "next keys silent")
KINDS = (*ANSWERS, *JOURNEYS)
SEND = "/v1.0/robot/oToMessages/batchSend"


class Line(httpx.BaseTransport):
    """The transport of one process."""

    def __init__(
        self,
        world: World,
        timeline: Timeline,
        weather: Weather,
        process: Process,
        *,
        name: str,
        timeout_seconds: float,
        random: Random,
        boundary: Callable[[str], None],
    ) -> None:
        self._world, self._timeline, self._weather, self._process = world, timeline, weather, process
        self._name, self._timeout_seconds, self._random, self._boundary = name, timeout_seconds, random, boundary

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one request to the world and its reply back, with today's trouble."""
        path = request.url.raw_path.decode("ascii")
        self._boundary("before a request reaches DingTalk")
        came = Request.of(request.method, path, dict(request.headers), request.read(), address=self._name)
        if path in TOKEN_PATHS:
            # Whoever asks for a token holds a lock meanwhile, so that this may take no time.
            reply = self._world.handle(came)
            self._boundary("after DingTalk gave a token")
            return _response(reply, request)
        reply = self._carry(came, request)
        self._boundary("after DingTalk did the work")
        self._wait_for(reply, request)
        return _response(reply, request)

    def _carry(self, came: Request, request: httpx.Request) -> Reply:
        kind = self._random.choice(self._weather.kinds) if self._random.random() < self._weather.chance else NORMAL
        if kind == "no connection":
            raise httpx.ConnectError("no route to host", request=request)
        if kind == "arrives late":
            self._deliver_later(came)
            self._timeline.sleep(self._timeout_seconds)
            raise httpx.ReadTimeout("timed out", request=request)
        if kind == "token ended":
            self._world.revoke_tokens()
        if kind == "next keys silent":
            self._world.change(silent_next=self._random.randint(1, 5))
        return self._deliver(came, ANSWERS.get(kind))

    def _deliver_later(self, came: Request) -> None:
        about = self._timeline.current.about

        def deliver() -> None:
            self._timeline.sleep(self._random.uniform(0.5, 3) * self._timeout_seconds)
            self._deliver(came, None, is_delayed=True)

        self._timeline.spawn(f"{self._name} on the way {self._random.random()}", deliver, _Network(), about)

    def _deliver(self, came: Request, script: ScriptedAnswer | None, *, is_delayed: bool = False) -> Reply:
        fields: dict[str, Any] = json.loads(came.body)
        if came.path == SEND:
            letter = Letter(at=self._timeline.wall.now(), robot=fields["robotCode"], is_delayed=is_delayed)
            self._weather.letters.append(letter)
            return self._answer(came, script)
        keys = tuple(fields["processQueryKeys"])
        before = frozenset(key for key in keys if self._is_recalled(key))
        reply = self._answer(came, script)
        about: Any = self._timeline.current.about
        arrival = Arrival(
            at=self._timeline.wall.now(),
            path=came.path,
            robot=fields["robotCode"],
            conversation=fields.get("openConversationId"),
            keys=keys,
            recalled=frozenset(key for key in keys if self._is_recalled(key)) - before,
            process=self._name,
            recall_id=about.recall_id,
            is_delayed=is_delayed,
        )
        self._weather.arrivals.append(arrival)
        return reply

    def _answer(self, came: Request, script: ScriptedAnswer | None) -> Reply:
        if script is not None:
            self._world.script(script)
        return self._world.handle(came)

    def _is_recalled(self, key: str) -> bool:
        message = self._world.message(key)
        return message is not None and message.recalled_at is not None

    def _wait_for(self, reply: Reply, request: httpx.Request) -> None:
        seconds = reply.delay_seconds + self._random.uniform(0.2, 1) * self._weather.slow_seconds
        self._timeline.sleep(min(seconds, self._timeout_seconds))
        self._boundary("before an answer comes")
        if seconds >= self._timeout_seconds:
            raise httpx.ReadTimeout("timed out", request=request)
        if reply.cut is Cut.MID_BODY:
            raise httpx.ReadError("the body stopped", request=request)
        if reply.cut is not None:
            raise httpx.RemoteProtocolError("the server cut the connection", request=request)


class _Network:
    """What carries requests on although their sender is dead."""

    is_dead = False


def _response(reply: Reply, request: httpx.Request) -> httpx.Response:
    return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body, request=request)
