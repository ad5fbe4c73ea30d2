"""One recall call from start to answer: the app's token, the request, and what the answer means for the token."""

from collections.abc import Sequence

from ledger.core.message import AppName, Route
from ledger.core.reply import Answer, NoAnswer, error_of, is_token_refused
from ledger.dingtalk.client import Client
from ledger.dingtalk.tokens import Tokens
from ledger.settings import Settings


class Caller:
    """Recalls keys at the endpoint, and with the app, that sent them."""

    def __init__(self, client: Client, tokens: Tokens, settings: Settings) -> None:
        self._client, self._tokens, self._settings = client, tokens, settings

    def prepare(self, app: AppName) -> NoAnswer | None:
        """Have a token at hand, so that a call leaves in its slot; raise PausedError when that needs a person."""
        token = self._tokens.get(app)
        return token if isinstance(token, NoAnswer) else None

    def recall(self, route: Route, keys: Sequence[str]) -> Answer | NoAnswer:
        """Make one call; raise PausedError when somebody must mend credentials or settings first."""
        token = self._tokens.get(route.app)
        if isinstance(token, NoAnswer):
            return token
        answer = self._client.recall(self._settings.app(route.app).api_url or "", token.value, route, keys)
        if isinstance(answer, Answer):
            if is_token_refused(answer):
                self._tokens.refuse(route.app, token, ": ".join(error_of(answer)))
            else:
                self._tokens.accept(route.app)
        return answer
