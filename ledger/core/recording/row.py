"""The row that people hand in: its fields, their limits, and the errors that name what to fix."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from ledger.clock import as_utc, format_time, parse_time
from ledger.core.limits import (
    KEY_MAX_BYTES,
    KEY_MAX_CHARACTERS,
    NAME_MAX_CHARACTERS,
    RECIPIENTS_MAX,
    STORABLE_PATTERN,
)
from ledger.core.recording.excerpt import shortened_excerpt
from ledger.core.recording.expiry import LONGEST_SECONDS
from ledger.core.recording.message import Campaign, Chat, ConversationId, Message, MessageKey, RobotCode, UserId
from ledger.errors import InputError, InvalidMessageError

_UNSTORABLE = ("string_pattern_mismatch", "string_unicode")


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


# Before the first is before DingTalk, and what is later than the second has no deadline that can be written down.
EARLIEST, LATEST = datetime(2014, 12, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _moment(value: object) -> datetime:
    if not isinstance(value, (str, datetime)):
        raise PydanticCustomError("time", "must be a text such as 2026-03-01T10:00:00+08:00")
    try:
        moment = as_utc(value) if isinstance(value, datetime) else parse_time(value)
    except InputError as error:
        raise PydanticCustomError("time", "{said}", {"said": str(error)}) from None
    if not EARLIEST <= moment < LATEST:
        text = "{moment} is out of all reason: check how the time was written"
        raise PydanticCustomError("time", text, {"moment": format_time(moment)})
    return moment


def _moment_or_none(value: object) -> datetime | None:
    return None if value is None else _moment(value)


def _indexable(key: str) -> str:
    if len(key) > KEY_MAX_BYTES // 4 and (size := len(key.encode())) > KEY_MAX_BYTES:
        text = "has {size} bytes, and at most {most} fit"
        raise PydanticCustomError("key", text, {"size": f"{size:,}", "most": f"{KEY_MAX_BYTES:,}"})
    return key


_short = StringConstraints(min_length=1, max_length=NAME_MAX_CHARACTERS, pattern=STORABLE_PATTERN)
_Short = Annotated[str, _short]
_key = StringConstraints(min_length=1, max_length=KEY_MAX_CHARACTERS, pattern=STORABLE_PATTERN)
_Key = Annotated[str, _key, AfterValidator(_indexable)]
_Optional = Annotated[_Short | None, BeforeValidator(_none_if_empty)]
_Users = Annotated[tuple[Annotated[UserId, _short], ...], Field(max_length=RECIPIENTS_MAX)]


class Row(BaseModel):
    """One message as a row of `import`, of `record_many`, or the arguments of `record`.

    Wire names (`processQueryKey`) and Python names (`process_query_key`) are both understood. Without a chat kind, a
    row that has a conversation is taken for a group message.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True, strict=False)

    process_query_key: _Key = Field(alias="processQueryKey")
    robot_code: _Short = Field(alias="robotCode")
    sent_at: Annotated[datetime, BeforeValidator(_moment)] = Field(alias="sentAt")
    user_ids: _Users = Field(default=(), alias="userIds")
    campaign: _Optional = None
    open_conversation_id: _Optional = Field(default=None, alias="openConversationId")
    source: _Optional = None
    chat: Chat | None = None
    undelivered: dict[_Short, _Users] = Field(default_factory=dict)
    excerpt: Annotated[str | None, BeforeValidator(shortened_excerpt)] = None
    expires_at: Annotated[datetime | None, BeforeValidator(_moment_or_none)] = Field(default=None, alias="expiresAt")
    expires_in: Annotated[float | None, Field(ge=0, le=LONGEST_SECONDS, allow_inf_nan=False)] = Field(
        default=None, alias="expiresIn"
    )

    @model_validator(mode="after")
    def _conversation_fits_chat(self) -> Self:
        if self.chat in (Chat.GROUP, Chat.PRIVATE) and not self.open_conversation_id:
            raise PydanticCustomError("chat", "a {chat} message needs its openConversationId", {"chat": self.chat})
        if self.chat is Chat.ONE_TO_ONE and self.open_conversation_id:
            raise PydanticCustomError("chat", "a one_to_one message has no openConversationId")
        return self

    @model_validator(mode="after")
    def _vanishes_once(self) -> Self:
        if self.expires_at is not None and self.expires_in is not None:
            raise PydanticCustomError("expiry", "expiresAt and expiresIn exclude each other")
        return self

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "Row":
        """Check a row; raise InvalidMessageError with everything that is wrong with it."""
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise InvalidMessageError("; ".join(_say(detail) for detail in error.errors())) from None

    def _vanishes_at(self) -> datetime | None:
        return self.expires_at if self.expires_in is None else self.sent_at + timedelta(seconds=self.expires_in)

    def to_message(self) -> Message:
        """Return the message that the row describes."""
        chat = self.chat or (Chat.GROUP if self.open_conversation_id else Chat.ONE_TO_ONE)
        return Message(
            process_query_key=MessageKey(self.process_query_key),
            robot_code=RobotCode(self.robot_code),
            sent_at=self.sent_at,
            chat=chat,
            open_conversation_id=ConversationId(self.open_conversation_id) if self.open_conversation_id else None,
            campaign=Campaign(self.campaign) if self.campaign else None,
            source=self.source,
            recipients=tuple(dict.fromkeys(self.user_ids)),
            undelivered=self.undelivered,
            excerpt=self.excerpt,
            expires_at=self._vanishes_at(),
        )


def row_of(message: Message) -> dict[str, Any]:
    """Return a message as a row in wire names, which reads as the same message again."""
    fields = {
        "processQueryKey": message.process_query_key,
        "robotCode": message.robot_code,
        "sentAt": format_time(message.sent_at),
        "userIds": list(message.recipients),
        "campaign": message.campaign,
        "openConversationId": message.open_conversation_id,
        "source": message.source,
        "chat": message.chat.value,
        "undelivered": {why: list(users) for why, users in message.undelivered.items()},
        "excerpt": message.excerpt,
        "expiresAt": format_time(message.expires_at) if message.expires_at else None,
    }
    return {name: value for name, value in fields.items() if value}


def _say(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"{where} is missing"
    if detail["type"] in _UNSTORABLE:
        return f"{where}: holds a NUL or half of a surrogate pair"
    if detail["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in Row.model_fields.items()]
        near = get_close_matches(where, known, n=1)
        return f"unknown field {where!r}" + (
            f": did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
        )
    text = detail["msg"][0].lower() + detail["msg"][1:]
    return f"{where}: {text}" if where else text
