"""One call from start to answer: the app's token, the request, and what the answer means for the token."""

from collections.abc import Sequence
from dataclasses import replace

from ledger.core.answer import Answer, NoAnswer, error_of, is_token_refused
from ledger.core.recording.message import UNKNOWN, AppName, Chat, RobotCode, Route
from ledger.dingtalk.client import Client
from ledger.dingtalk.departure import Leave
from ledger.dingtalk.tokens import DingTalkToken, DingTalkTokens
from ledger.settings import Settings


class Caller:
    """Recalls keys at the endpoint, and with the app, that sent them."""

    def __init__(self, client: Client, tokens: DingTalkTokens, settings: Settings) -> None:
        self._client, self._tokens, self._settings = client, tokens, settings

    def prepare(self, app: AppName) -> NoAnswer | None:
        """Have a token at hand, so that a call leaves in its slot; raise PausedError when that needs a person."""
        token = self._tokens.get(app)
        return token if isinstance(token, NoAnswer) else None

    def recall(self, route: Route, keys: Sequence[str], leave: Leave | None = None) -> Answer | NoAnswer:
        """Make one call, on a connection that is open before `leave` lets it go; without, at once.

        Raise PausedError when somebody must fix credentials or settings first, and what `leave` raises.
        """
        token = self._tokens.get(route.app)
        if isinstance(token, NoAnswer):
            return token
        answer = self._client.recall(self._endpoint(route.app), token.value, self._known(route), keys, leave)
        return self._noted(route.app, token, answer)

    def read_status(self, route: Route, key: str, next_token: str | None = None) -> Answer | NoAnswer:
        """Ask who has read one message, on a later page with its token; raise PausedError as `recall` does."""
        token = self._tokens.get(route.app)
        if isinstance(token, NoAnswer):
            return token
        endpoint, known = self._endpoint(route.app), self._known(route)
        if route.chat is Chat.ONE_TO_ONE:
            answer = self._client.read_status(endpoint, token.value, known.robot_code, key)
        else:
            answer = self._client.readers(endpoint, token.value, known, key, next_token)
        return self._noted(route.app, token, answer)

    def send(self, route: Route, people: Sequence[str], msg_key: str, msg_param: str) -> Answer | NoAnswer:
        """Send one message to people one by one; raise PausedError as `recall` does."""
        token = self._tokens.get(route.app)
        if isinstance(token, NoAnswer):
            return token
        endpoint, robot = self._endpoint(route.app), self._known(route).robot_code
        return self._noted(
            route.app, token, self._client.send(endpoint, token.value, robot, people, msg_key, msg_param)
        )

    def _known(self, route: Route) -> Route:
        """Return a route as the API knows it: of a send that named no robot, that of its app."""
        if route.robot_code != UNKNOWN:
            return route
        return replace(route, robot_code=RobotCode(self._settings.robot_of(route.app) or route.robot_code))

    def _endpoint(self, app: AppName) -> str:
        return self._settings.app(app).api_url or ""

    def _noted(self, app: AppName, token: DingTalkToken, answer: Answer | NoAnswer) -> Answer | NoAnswer:
        if isinstance(answer, Answer):
            if is_token_refused(answer):
                self._tokens.refuse(app, token, ": ".join(error_of(answer)))
            else:
                self._tokens.accept(app)
        return answer
