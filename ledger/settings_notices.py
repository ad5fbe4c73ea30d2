"""Where notices go, as people write it into settings: addresses with names. No error repeats an address."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from ledger.notice_events import NoticeEvent
from ledger.settings_addresses import receiver
from ledger.settings_words import nearest

# An address may hold commas itself: only before the next one do they part two.
_BETWEEN = re.compile(r"[\s,]+(?=(?:[\w.-]+=)?[A-Za-z][\w+.-]*://)")
_NAMED = re.compile(r"(?:(?P<name>[\w.-]+)=)?(?P<url>[A-Za-z][\w+.-]*://\S+)")
_FORM = "write addresses, as in team=dingtalk://TOKEN, boss=mailto://…, or a table of names and addresses in the file"
EVERY_OTHER = "*"
_BEGINS = "whsec_"
_LEAST_BYTES, _MOST_BYTES = 24, 64


def secret_bytes(secret: str) -> bytes:
    """Return the bytes of a secret, which is base64, with or without `whsec_` before it; raise ValueError."""
    try:
        found = base64.b64decode(secret.removeprefix(_BEGINS), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not _LEAST_BYTES <= len(found) <= _MOST_BYTES:
        raise ValueError(
            f"write {_BEGINS} and {_LEAST_BYTES} to {_MOST_BYTES} random bytes in base64: `openssl rand -base64 32`"
        )
    return found


def _named(value: object) -> object:
    """Read a text of addresses; one without a name is called by its place in the list."""
    if isinstance(value, str):
        value = [one for one in _BETWEEN.split(value.strip()) if one]
    if not isinstance(value, (list, tuple)):
        return value
    found: dict[str, str] = {}
    for place, text in enumerate(value, start=1):
        match = _NAMED.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise ValueError(_FORM)
        name = match["name"] or str(place)
        if name in found:
            raise ValueError(f"two addresses are called {name!r}")
        found[name] = match["url"]
    return found


def _receivers(urls: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for url in urls.values():
        receiver(url.get_secret_value())
    return urls


def _signed_with(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None:
        secret_bytes(secret.get_secret_value())
    return secret


def _table(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError(
            'write [notify_events] into the file, as in finished = ["boss"], or the same as JSON'
        ) from None


def check_table(table: Mapping[str, tuple[str, ...]], places: tuple[str, ...]) -> None:
    """Check which events go where; raise ValueError naming what is unknown, with the nearest that is known."""
    events = [*NoticeEvent, EVERY_OTHER]
    for event, names in table.items():
        if event not in events or event == NoticeEvent.TEST:
            raise ValueError(f"LEDGER_NOTIFY_EVENTS: there is no event {event!r}{nearest(event, events)}")
        for name in names:
            if name not in places:
                raise ValueError(
                    f"LEDGER_NOTIFY_EVENTS: {event} goes to {name!r}, which no address is called{nearest(name, places)}"
                )


Addresses = Annotated[dict[str, SecretStr], NoDecode, BeforeValidator(_named)]
WebhookAddresses = Annotated[Addresses, AfterValidator(_receivers)]
WebhookSecret = Annotated[SecretStr | None, AfterValidator(_signed_with)]
EventTable = Annotated[dict[str, tuple[str, ...]], NoDecode, BeforeValidator(_table)]
