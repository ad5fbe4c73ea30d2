"""Who gets notices: a chat, a mailbox or whatever Apprise knows, and webhooks that are signed."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from importlib import import_module
from typing import Any, Protocol

from ledger.clock import Clock, format_time
from ledger.core.notices.notice_texts import text_of
from ledger.core.notices.notices import Notice
from ledger.core.notices.webhook_signature import headers_of
from ledger.errors import NoticeError
from ledger.settings import Settings
from ledger.settings_notices import secret_bytes

Post = Callable[[str, bytes, str, Mapping[str, str]], bytes]


class Receiver(Protocol):
    """Somewhere a notice goes to."""

    def take(self, notice: Notice) -> None:
        """Hand a notice over; raise NoticeError when it has not arrived."""


class WebhookReceiver:
    """An address that takes JSON, signed after https://www.standardwebhooks.com."""

    def __init__(self, url: str, secret: bytes, post: Post, clock: Clock) -> None:
        self._url, self._secret, self._post, self._clock = url, secret, post, clock

    def take(self, notice: Notice) -> None:
        """Post it; any 2xx says that it has arrived."""
        content = {"type": notice.event.value, "timestamp": format_time(notice.at), "data": notice.facts}
        body = json.dumps(content, ensure_ascii=False).encode()
        signed = headers_of(self._secret, notice.uid, self._clock.now(), body)
        self._post(self._url, body, "application/json", signed)


class AppriseReceiver:
    """Whatever the library Apprise has an address for; it is loaded when the first notice goes out."""

    def __init__(self, url: str, language: str, zone: tzinfo) -> None:
        self._url, self._language, self._zone = url, language, zone

    def take(self, notice: Notice) -> None:
        """Send its text in the language that is set."""
        text = text_of(notice.event, notice.facts, self._language, self._zone)
        apprise = _apprise()
        # Its own words may hold an address, and with that a secret: what it says is not repeated.
        place = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Recall ledger", secure_logging=True))
        if not place.add(self._url):
            raise NoticeError("Apprise does not know such an address: see its list of services")
        if not place.notify(title=text.title, body=text.body, body_format=apprise.NotifyFormat.TEXT):
            raise NoticeError("it was not taken: check the address, its token, and the way there")


def receivers_of(settings: Settings, post: Post, clock: Clock) -> dict[str, Receiver]:
    """Return the receivers that the settings name."""
    zone = clock.now().astimezone().tzinfo or UTC
    found: dict[str, Receiver] = {
        name: AppriseReceiver(url.get_secret_value(), settings.notify_language, zone)
        for name, url in settings.notify_urls.items()
    }
    if settings.webhook_secret is not None:
        secret = secret_bytes(settings.webhook_secret.get_secret_value())
        for name, url in settings.webhook_urls.items():
            found[name] = WebhookReceiver(url.get_secret_value(), secret, post, clock)
    return found


def _apprise() -> Any:
    try:
        apprise = import_module("apprise")
    except ImportError:
        raise NoticeError("install the extra for it: pip install 'dingtalk-ledger[notify]'") from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    return apprise
