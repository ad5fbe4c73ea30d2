"""One recall call from start to answer: the app's token, the request, and what the answer means for the token."""

from collections.abc import Sequence
from dataclasses import replace

from ledger.core.answer import Answer, NoAnswer, error_of, is_token_refused
from ledger.core.message import UNKNOWN, AppName, RobotCode, Route
from ledger.dingtalk.client import Client
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

    def recall(self, route: Route, keys: Sequence[str]) -> Answer | NoAnswer:
        """Make one call; raise PausedError when somebody must fix credentials or settings first."""
        token = self._tokens.get(route.app)
        if isinstance(token, NoAnswer):
            return token
        known = replace(route, robot_code=RobotCode(self._robot(route.app, route.robot_code)))
        answer = self._client.recall(self._endpoint(route.app), token.value, known, keys)
        return self._noted(route.app, token, answer)

    def read_status(self, app: AppName, robot_code: str, key: str) -> Answer | NoAnswer:
        """Ask what became of one message; raise PausedError as `recall` does."""
        token = self._tokens.get(app)
        if isinstance(token, NoAnswer):
            return token
        robot = self._robot(app, robot_code)
        answer = self._client.read_status(self._endpoint(app), token.value, robot, key)
        return self._noted(app, token, answer)

    def _robot(self, app: AppName, robot_code: str) -> str:
        """Return a robot as the API knows it: of a send that named none, that of its app."""
        return self._settings.robot_of(app) or robot_code if robot_code == UNKNOWN else robot_code

    def _endpoint(self, app: AppName) -> str:
        return self._settings.app(app).api_url or ""

    def _noted(self, app: AppName, token: DingTalkToken, answer: Answer | NoAnswer) -> Answer | NoAnswer:
        if isinstance(answer, Answer):
            if is_token_refused(answer):
                self._tokens.refuse(app, token, ": ".join(error_of(answer)))
            else:
                self._tokens.accept(app)
        return answer
