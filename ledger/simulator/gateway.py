"""What stands before the API: bans, tokens, allowed addresses, permissions, the rate and the month's quota.

Source: the pages on call limits and on error codes of the gateway at open.dingtalk.com.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from .behaviour import Behaviour
from .limits import SECOND, AddressBans, MonthlyQuota, SlidingWindow
from .refusals import Refusal
from .tokens import Token, TokenDesk


class Gateway:
    """Lets calls through or refuses them; not thread-safe, the world's lock guards it."""

    def __init__(self, tokens: TokenDesk) -> None:
        self._tokens = tokens
        self._windows: defaultdict[tuple[str, str], SlidingWindow] = defaultdict(lambda: SlidingWindow(SECOND))
        self._bans = AddressBans()
        self.quota = MonthlyQuota()

    def shuts_out(self, address: str, now: datetime, rules: Behaviour) -> bool:
        """Note the arrival of a call and tell whether its address is banned; the one call too many is still served."""
        if rules.ban_after_calls is None:
            return False
        if self._bans.is_banned(address, now):
            return True
        window, ban = timedelta(seconds=rules.ban_window_seconds), timedelta(seconds=rules.ban_seconds)
        self._bans.arrive(address, now, rules.ban_after_calls, window, ban)
        return False

    def admit(self, token_text: str, path: str, now: datetime, rules: Behaviour) -> Token:
        """Return whose call it is and count it; raise Refusal, and then it costs neither rate nor quota."""
        token = self._tokens.find(token_text)
        if token is None or token.expires_at <= now or rules.refuse_tokens:
            raise Refusal(rules.bad_token_code, status=rules.bad_token_status)
        if rules.ip_refused:
            raise Refusal("Forbidden.AccessDenied.IpNotInWhiteList")
        if rules.permission_missing:
            raise Refusal("Forbidden.AccessDenied.AccessTokenPermissionDenied")
        window = self._windows[token.app, path]
        if rules.calls_per_second is not None and window.count(now) >= rules.calls_per_second:
            raise Refusal(rules.throttle_code)
        if rules.monthly_quota is not None and self.quota.used(token.organisation, now) >= rules.monthly_quota:
            raise Refusal("Forbidden.AccessDenied.ApiCountLimitForOrg")
        window.add(now)
        self.quota.spend(token.organisation, now)
        return token

    def count_unworked(self, token_text: str, path: str, now: datetime, *, spends: bool) -> None:
        """Count a call whose answer was scripted: it does stand in the rate, and costs quota if it got that far."""
        token = self._tokens.find(token_text)
        if token is None:
            return
        self._windows[token.app, path].add(now)
        if spends:
            self.quota.spend(token.organisation, now)
