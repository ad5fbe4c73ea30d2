"""All the state of the pretend DingTalk and the way of one request through it; the world adds clock and lock."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from . import answers
from .answers import Answer
from .behaviour import Behaviour
from .desk import Ask, Tally
from .exchange import Reply, Request
from .gateway import Gateway
from .ids import IdMaker
from .journal import Journal, call_of
from .keyless import KEYLESS_ROUTES
from .messages import MessageBook
from .refusals import Refusal
from .routes import ROUTES, TOKEN_ROUTES
from .scripts import ScriptedAnswer, ScriptQueue
from .streaming import StreamDesk, content_of
from .tokens import TokenDesk

# What the gateway turns away itself costs no quota, so a scripted answer that looks so does not either.
TURNED_AWAY = (403, 429)
OPEN_STREAM = ("POST", "/v1.0/gateway/connections/open")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request on its way through, with what was read from it once."""

    request: Request
    fields: dict[str, Any] | None
    now: datetime
    request_id: str


class Service:
    """Everything that one DingTalk knows; not thread-safe."""

    def __init__(
        self,
        behaviour: Behaviour,
        apps: Mapping[str, str] | None,
        robots: Collection[str] | None,
        seed: int | None,
        journal_size: int | None,
    ) -> None:
        self.behaviour = behaviour
        self.robots = None if robots is None else frozenset(robots)
        self.ids = IdMaker(seed)
        self.messages = MessageBook()
        self.tokens = TokenDesk(self.ids, apps)
        self.gateway = Gateway(self.tokens)
        self.scripts = ScriptQueue()
        self.journal = Journal(journal_size)
        self.tally = Tally(silent_left=behaviour.silent_next)
        self.stream = StreamDesk(self.ids, seed)
        # Where Stream connections go: asked for with the first of them, None when nobody listens.
        self.endpoint: Callable[[], str] | None = None

    def handle(self, request: Request, now: datetime) -> Reply:
        """Answer one request and note it."""
        visit = Visit(request=request, fields=request.fields(), now=now, request_id=self.ids.request_id())
        script, answer = self._respond(visit)
        cut = script.cut if script else None
        delay = self.behaviour.latency_seconds + (script.delay_seconds if script else 0.0)
        self.journal.note(call_of(request, visit.fields, answer, now, self._app_of(visit), visit.request_id, cut))
        return answers.write(answer, visit.request_id, now, delay, cut)

    def issue_token(self, app: str, now: datetime) -> str:
        """Return the token of an internal app as if it had asked for it with the right secret."""
        life = timedelta(seconds=self.behaviour.token_seconds)
        return self.tokens.internal(app, now, life, renews=self.behaviour.token_renews_itself).text

    def _respond(self, visit: Visit) -> tuple[ScriptedAnswer | None, Answer]:
        if self.gateway.shuts_out(visit.request.address, visit.now, self.behaviour):
            return None, answers.banned(self.behaviour)
        script = self.scripts.take(visit.request.path)
        if script is None:
            return None, self._work(visit)
        return script, self._play(script, visit)

    def _play(self, script: ScriptedAnswer, visit: Visit) -> Answer:
        if script.works:
            answer = self._work(visit)
        else:
            spends = script.status not in TURNED_AWAY
            self.gateway.count_unworked(visit.request.token, visit.request.path, visit.now, spends=spends)
            answer = answers.NOTHING
        if script.status is not None:
            answer = answers.scripted(script, visit.request_id)
        return replace(answer, headers=script.headers)

    def _work(self, visit: Visit) -> Answer:
        try:
            return Answer(status=200, payload=self._result(visit))
        except Refusal as refusal:
            return answers.refused(refusal, visit.request_id, self.behaviour)

    def _result(self, visit: Visit) -> dict[str, Any]:
        request, now, rules = visit.request, visit.now, self.behaviour
        route = (request.method, request.path)
        if route in TOKEN_ROUTES:
            return TOKEN_ROUTES[route](self.tokens, visit.fields or {}, now, rules)
        if route in KEYLESS_ROUTES:
            return KEYLESS_ROUTES[route](request, visit.fields or {})
        if route == OPEN_STREAM:
            return self._open_stream(visit.fields or {}, now)
        handler = ROUTES.get(route)
        if handler is None:
            raise Refusal("InvalidAction.NotFound")
        token = self.gateway.admit(request.token, request.path, now, rules)
        if visit.fields is None:
            raise Refusal("invalidParameter.param.invalid")
        result = handler(
            Ask(
                now=now,
                app=token.app,
                fields=visit.fields,
                behaviour=rules,
                messages=self.messages,
                ids=self.ids,
                tally=self.tally,
                robots=self.robots,
            )
        )
        self._push_recalls(now)
        return result

    def _push_recalls(self, now: datetime) -> None:
        """Push what was just recalled by the API, one event for each user, where that is wanted."""
        kind = "robot_msg_recall"
        for message in self.messages.take_just_recalled():
            for user in (message.users or (None,)) if self.behaviour.recall_pushes_events else ():
                content = content_of(message, user, kind, now)
                self.stream.push_event(message.app or "dingapp", kind, content, now, self.behaviour)

    def _open_stream(self, fields: dict[str, Any], now: datetime) -> dict[str, Any]:
        try:
            app = self.tokens.checked(fields.get("clientId"), fields.get("clientSecret"))
        except Refusal:
            raise Refusal("authFailed") from None
        if self.endpoint is None:
            raise Refusal("ServiceUnavailable")
        return self.stream.open(app, fields, self.endpoint(), now)

    def _app_of(self, visit: Visit) -> str | None:
        token = self.tokens.find(visit.request.token)
        if token is not None:
            return token.app
        fields = visit.fields or {}
        named = fields.get("appKey") or fields.get("suiteKey") or fields.get("clientId")
        return named if isinstance(named, str) else None
