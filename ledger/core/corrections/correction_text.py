"""What a correction says: a template of DingTalk with its parameters, checked before it costs a call, and shown.

Source: open.dingtalk.com, "message types of robots" (the parameters of each template) and "send one-on-one bot messages
in batches" (`msgParam` is JSON in a text).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ledger.core.bodies import fields_of
from ledger.core.json_value import JsonValue
from ledger.core.limits import check_text
from ledger.core.near_names import near
from ledger.errors import InputError

# The page of one-on-one messages states no limit; that of groups says so many bytes.
MSG_PARAM_MAX_BYTES = 15_000

_BUTTONS = {f"sampleActionCard{n}": n for n in range(2, 6)}
# The parameters of each template that people are sent texts with: all of them have to be there.
TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "sampleText": ("content",),
    "sampleMarkdown": ("title", "text"),
    "sampleImageMsg": ("photoURL",),
    "sampleLink": ("title", "text", "picUrl", "messageUrl"),
    "sampleActionCard": ("title", "text", "singleTitle", "singleURL"),
    **{
        key: ("title", "text", *(f"action{what}{one}" for one in range(1, n + 1) for what in ("Title", "URL")))
        for key, n in _BUTTONS.items()
    },
    "sampleActionCard6": ("title", "text", *(f"button{what}{one}" for one in (1, 2) for what in ("Title", "Url"))),
    "sampleAudio": ("mediaId", "duration"),
    "sampleFile": ("mediaId", "fileName", "fileType"),
    "sampleVideo": ("duration", "videoMediaId", "videoType", "picMediaId"),
}
# What may be left out.
_OPTIONAL = {"sampleLink": ("picUrl",), "sampleVideo": ("picMediaId",)}
_TITLE_AND_ADDRESS = (("singleTitle", "singleURL"), ("actionTitle", "actionURL"), ("buttonTitle", "buttonUrl"))
_MOST_BUTTONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionText(JsonValue):
    """What is sent: the key of a template, and its parameters as the API takes them, JSON in a text."""

    msg_key: str
    msg_param: str

    @property
    def digest(self) -> str:
        """What the history has of the parameters: it proves them, and does not repeat them."""
        return digest_of_param(self.msg_param)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters by name."""
        return fields_of(self.msg_param)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview(JsonValue):
    """What people see: a title, a text, and where they can go from there, each by what stands on it.

    `is_known` is False for a template that nobody knows here: then the text is its parameters.
    """

    title: str | None
    text: str
    links: tuple[tuple[str, str], ...] = ()
    is_known: bool = True


def digest_of_param(msg_param: str) -> str:
    """Return the digest of parameters, of whatever stands where they should."""
    return sha256(str(msg_param).encode("utf-8", "surrogatepass")).hexdigest()


def read_text(msg_key: str | None, msg_param: str | Mapping[str, Any] | None) -> CorrectionText:
    """Return what is to be sent; raise InputError that says what is wrong with it, and what was meant perhaps.

    `msg_param` is JSON in a text, or read already. Without a key, it is a body with `msgKey` and `msgParam`.
    """
    if msg_param is None:
        raise InputError('what to say is missing: --msg-param \'{"content": "…"}\', or a file with it')
    given = _object(msg_param)
    if msg_key is None:
        if "msgKey" not in given:
            raise InputError("the template is missing: name it, as in --msg-key sampleText")
        msg_key, given = str(given["msgKey"]), _object(given.get("msgParam") or "")
    check_text("the template", msg_key)
    if not msg_key.strip():
        raise InputError("the template is empty: name it, as in --msg-key sampleText")
    if msg_key not in TEMPLATES and (meant := near(msg_key, TEMPLATES)) and _differs_little(msg_key, meant[0]):
        raise InputError(f"there is no template {msg_key!r}: did you mean {meant[0]}?")
    _check_parameters(msg_key, given)
    written = json.dumps(given, ensure_ascii=False)
    size = len(written.encode("utf-8", "surrogatepass"))
    if size > MSG_PARAM_MAX_BYTES:
        raise InputError(
            f"the text has {size:,} bytes, and DingTalk takes {MSG_PARAM_MAX_BYTES:,}: make it shorter, or link to it"
        )
    return CorrectionText(msg_key=msg_key, msg_param=check_text("the text", written, MSG_PARAM_MAX_BYTES))


def preview_of(text: CorrectionText) -> Preview:
    """Return what people will see of a text."""
    given = text.parameters
    if text.msg_key not in TEMPLATES:
        return Preview(title=None, text=json.dumps(given, ensure_ascii=False, indent=2), is_known=False)
    body = next((given[name] for name in ("content", "text", "fileName", "photoURL", "mediaId") if given.get(name)), "")
    return Preview(title=given.get("title"), text=body or given.get("videoMediaId", ""), links=tuple(_links(given)))


def _links(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if given.get("messageUrl"):
        yield given.get("title") or given["messageUrl"], given["messageUrl"]
    numbered = (f"{number}" for number in ("", *range(1, _MOST_BUTTONS + 1)))
    for number in numbered:
        for title, address in _TITLE_AND_ADDRESS:
            if given.get(address + number):
                yield given.get(title + number) or given[address + number], given[address + number]


def _object(value: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            where = f" ({error})" if isinstance(error, ValueError) else ""
            raise InputError(f'the parameters are no JSON{where}: write an object, as in {{"content": "…"}}') from None
    if not isinstance(value, Mapping):
        raise InputError('the parameters are no JSON object: write one, as in {"content": "…"}')
    return value


def _check_parameters(msg_key: str, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if not isinstance(value, str):
            raise InputError(
                f"the parameter {name!r} is no text: put its value into quotes, as DingTalk wants all of them"
            )
    wanted = TEMPLATES.get(msg_key)
    if wanted is None:
        return
    for name in given:
        if name not in wanted:
            meant = near(name, [one for one in wanted if one not in given])
            instead = f"did you mean {meant[0]}?" if meant else f"it has {', '.join(wanted)}"
            raise InputError(f"{msg_key} has no parameter {name!r}: {instead}")
    missing = [name for name in wanted if not given.get(name, "").strip() and name not in _OPTIONAL.get(msg_key, ())]
    if missing:
        raise InputError(f"{msg_key} needs {', '.join(missing)}: people would see nothing there")


def _differs_little(asked: str, meant: str) -> bool:
    """Say whether a name is another spelling of one; templates of one's own are called what one wants."""
    return asked.strip().casefold() == meant.casefold() or abs(len(asked) - len(meant)) <= 1
