"""Asking DingTalk for the check-up: a token, and a question that changes nothing, for each app."""

from collections.abc import Callable, Iterator

from ledger.clock import Clock
from ledger.core.answer import Answer, NoAnswer, errcode_of, error_of, is_throttled, is_token_refused, read_refusal
from ledger.core.check_up import Check, Fact, failed, ok, warning
from ledger.core.recalls.reply import read_inquiry
from ledger.dingtalk.client import Client
from ledger.dingtalk.proxies import environment_proxies
from ledger.dingtalk.tokens import DingTalkTokens
from ledger.errors import LedgerError
from ledger.settings import Settings

# The Date header has whole seconds, and the answer was under way for a moment.
CLOCK_TOLERANCE_SECONDS = 3.0
PROBE_KEY = "dingtalk-ledger-doctor"


class DingTalkProbe:
    """Tries what a recall needs of DingTalk; `whose_clock` is the clock that deadlines are told by here."""

    def __init__(
        self, client: Client, tokens: DingTalkTokens, clock: Clock, settings: Settings, whose_clock: str
    ) -> None:
        self._client, self._tokens, self._clock, self._settings = client, tokens, clock, settings
        self._whose_clock = whose_clock

    def proxies(self) -> Check:
        """Say which proxy, if any, stands between here and each endpoint, and which one was left out."""
        used = environment_proxies()
        urls = sorted({self._settings.app(name).api_url or "" for name in self._settings.app_names})
        through = [f"{url} through {proxy.url} ({proxy.variable})" for url in urls if (proxy := used.of(url))]
        found = "; ".join([*through, *used.left_out])
        if used.left_out:
            return warning("proxy", found)
        facts: dict[str, Fact] = {"way": found} if found else {}
        return ok("proxy", found or "none: DingTalk is asked straight", **facts)

    def check(self, app: str, of_app: str, robot: str | None, count: Callable[[str], None]) -> Iterator[Check]:
        """Check credentials, permission and clock of an app, with a robot of it if one is known.

        `count` is told of each call that the month's quota pays for, by its app.
        """
        credentials = f"credentials{of_app}"
        try:
            token = self._tokens.get(app)
        except LedgerError as error:
            yield failed(credentials, str(error))
            return
        endpoint = self._settings.app(app).api_url or ""
        if isinstance(token, NoAnswer):
            where = self._settings.endpoint_setting(app)
            found = f"{endpoint} gave no answer ({token.reason}): check the network and {where}"
            yield failed(credentials, found, endpoint=endpoint)
            return
        yield ok(credentials, f"{endpoint} gave an access token", endpoint=endpoint)
        if robot is None:
            found = "not tried, nor the clock: no robot is known. Record a message, or name `robots` of the app"
            yield warning(f"permission{of_app}", found)
            return
        # Asking who read a message that never was changes nothing and needs the permission that a recall needs.
        answer = self._client.read_status(endpoint, token.value, robot, PROBE_KEY)
        if not read_inquiry(answer).is_free:
            count(app)
        yield _permission(answer, f"permission{of_app}")
        yield from self._clock_check(answer, of_app)

    def _clock_check(self, answer: Answer | NoAnswer, of_app: str) -> Iterator[Check]:
        if isinstance(answer, NoAnswer) or answer.server_time is None:
            return
        skew = (self._clock.now() - answer.server_time).total_seconds()
        name = f"clock{of_app}"
        if abs(skew) <= CLOCK_TOLERANCE_SECONDS:
            yield ok(name, f"{self._whose_clock} clock agrees with DingTalk's")
            return
        side = "ahead of" if skew > 0 else "behind"
        found = f"{self._whose_clock} clock is {abs(skew):.0f} s {side} DingTalk's"
        yield failed(
            name, f"{found}: deadlines are off by as much; synchronise it (NTP)", clock_off_seconds=round(abs(skew))
        )


def _permission(answer: Answer | NoAnswer, name: str) -> Check:
    if isinstance(answer, NoAnswer):
        return failed(name, f"no answer ({answer.reason}): try again")
    is_understood = answer.status in (200, 400) and errcode_of(answer) is None
    if is_understood and not is_token_refused(answer):
        return ok(name, "the app may recall")
    message = ": ".join(error_of(answer))
    error = None if is_throttled(answer) else read_refusal(answer)
    return failed(name, str(error) if error else f"DingTalk said {message}: try again")
