"""All the state of the pretend DingTalk and the way of one request through it; the world adds clock and lock."""

from collections.abc import Collection, Mapping
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
from .tokens import TokenDesk

# What the gateway turns away itself costs no quota, so a scripted answer that looks so does not either.
TURNED_AWAY = (403, 429)


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
        handler = ROUTES.get(route)
        if handler is None:
            raise Refusal("InvalidAction.NotFound")
        token = self.gateway.admit(request.token, request.path, now, rules)
        if visit.fields is None:
            raise Refusal("invalidParameter.param.invalid")
        return handler(
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

    def _app_of(self, visit: Visit) -> str | None:
        token = self.tokens.find(visit.request.token)
        if token is not None:
            return token.app
        named = (visit.fields or {}).get("appKey") or (visit.fields or {}).get("suiteKey")
        return named if isinstance(named, str) else None
