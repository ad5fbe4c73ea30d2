"""The two calls that give access tokens out; neither is limited nor counted.

Source: the pages on the access token of an internal app and of an authorised organisation at open.dingtalk.com.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from .behaviour import Behaviour
from .refusals import Refusal
from .tokens import Token, TokenDesk


def internal_token(desk: TokenDesk, fields: Mapping[str, Any], now: datetime, rules: Behaviour) -> dict[str, Any]:
    """Give an internal app its token: the same again while it lives."""
    life = timedelta(seconds=rules.token_seconds)
    app = desk.checked(fields.get("appKey"), fields.get("appSecret"))
    return as_payload(desk.internal(app, now, life, renews=rules.token_renews_itself), now)


def corporate_token(desk: TokenDesk, fields: Mapping[str, Any], now: datetime, rules: Behaviour) -> dict[str, Any]:
    """Give a third-party app a new token for one organisation; the pushed ticket only has to be there."""
    organisation, ticket = fields.get("authCorpId"), fields.get("suiteTicket")
    if not (isinstance(organisation, str) and organisation and isinstance(ticket, str) and ticket):
        raise Refusal("invalidParameter.param.invalid")
    expires_at = now + timedelta(seconds=rules.token_seconds)
    suite = desk.checked(fields.get("suiteKey"), fields.get("suiteSecret"))
    return as_payload(desk.corporate(suite, organisation, expires_at), now)


def as_payload(token: Token, now: datetime) -> dict[str, Any]:
    """Return the answer: the token and the whole seconds that are left of its life."""
    return {"accessToken": token.text, "expireIn": int((token.expires_at - now).total_seconds())}
