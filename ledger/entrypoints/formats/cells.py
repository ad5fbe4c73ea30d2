"""Tables as offices keep them: what their columns are called, how their cells are wrapped, and which are damaged."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from ledger.core.bodies import split_ids
from ledger.errors import UnreadableFileError

COLUMNS = ("processQueryKey", "robotCode", "userIds", "campaign", "sentAt", "openConversationId", "source", "chat")
# What people call the columns in Chinese; what stands in the documentation is this table.
CHINESE = {
    "processQueryKey": ("消息标识", "消息ID", "消息编号", "消息key", "查询标识"),
    "robotCode": ("机器人", "机器人编码", "机器人代码", "机器人ID"),
    "userIds": ("用户", "用户ID", "用户编号", "员工", "员工ID", "工号", "接收人", "收件人"),
    "campaign": ("批次", "活动", "批次/活动", "活动名称", "批次名称"),
    "sentAt": ("发送时间", "发送日期", "时间"),
    "openConversationId": ("群", "群ID", "会话", "会话ID", "群会话ID"),
    "source": ("来源", "发送程序", "系统"),
    "chat": ("会话类型", "聊天类型", "消息类型"),
}
_NAMED = {name.lower(): column for column, names in CHINESE.items() for name in names}
_CHINESE_NAMES = [name for names in CHINESE.values() for name in names]
_CHATS = {"单聊": "one_to_one", "群聊": "group", "群": "group", "私聊": "private", "人与人": "private"}
_IDS = ("processQueryKey", "robotCode", "userIds", "openConversationId")
# What is left of a long number, or of a text that was taken for a formula.
_DAMAGED = re.compile(r"[+-]?\d(?:[.,]\d+)?E[+-]?\d+|#(?:NAME|VALUE|REF|N/A|NUM|NULL|DIV/0)[?!]?|#{4,}", re.IGNORECASE)
_WRAPPED = re.compile(r'="(.*)"', re.DOTALL)


def columns_of(cells: Sequence[str]) -> list[str]:
    """Return the columns of a header; raise UnreadableFileError for one that is unknown, double or missing."""
    names = [_NAMED.get(name.lower(), name) for name in (cell.strip() for cell in cells)]
    while names and not names[-1]:
        names.pop()
    for name in names:
        if name not in COLUMNS:
            raise UnreadableFileError(f"unknown column {name!r} in the CSV header: {_what_else(name)}")
        if names.count(name) > 1:
            raise UnreadableFileError(f"the column {name} is there twice in the CSV header")
    if "processQueryKey" not in names:
        raise UnreadableFileError("the CSV header has no column processQueryKey")
    return names


def _what_else(name: str) -> str:
    """Say what to do about a column that is unknown: it may be misspelt, so that nothing of it is ignored."""
    if "\N{REPLACEMENT CHARACTER}" in name:
        return "its letters are of another charset: say which, as in --encoding gb18030"
    close = get_close_matches(name, [*COLUMNS, *_CHINESE_NAMES], n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}? Rename it, or take it out of the file"
    # One Chinese name of each is enough where people write Chinese.
    known = COLUMNS if name.isascii() else [f"{column} ({CHINESE[column][0]})" for column in COLUMNS]
    return f"known are {', '.join(known)}. Rename it, or take it out of the file"


def fields_of_row(columns: Sequence[str], row: Sequence[str]) -> dict[str, Any] | str | None:
    """Return a row by its columns; a text says why it is none, and None stands for one that is empty."""
    cells = [cell.strip() for cell in row]
    if not any(cells):
        return None
    while len(cells) > len(columns) and not cells[-1]:
        cells.pop()
    if len(cells) != len(columns):
        return f"the line has {len(cells)} cells where the header names {len(columns)}"
    fields: dict[str, Any] = {name: _unwrapped(name, cell) for name, cell in zip(columns, cells, strict=True)}
    for name, cell in fields.items():
        if damage := next((part for part in _parts(name, cell) if _DAMAGED.fullmatch(part)), None):
            return f"{name}: {damage!r} is what a spreadsheet left of it: format the column as text, and fill it anew"
    if "userIds" in fields:
        fields["userIds"] = split_ids(fields["userIds"])
    if "chat" in fields:
        fields["chat"] = _CHATS.get(fields["chat"], fields["chat"])
    return fields


def _unwrapped(name: str, cell: str) -> str:
    """Return a cell without what keeps spreadsheets from taking it for a number."""
    if wrapped := _WRAPPED.fullmatch(cell):
        return wrapped[1].replace('""', '"').strip()
    return cell[1:].strip() if cell.startswith("'") and name in (*_IDS, "sentAt") else cell


def _parts(name: str, cell: str) -> Sequence[str]:
    return [one for one in split_ids(cell) if isinstance(one, str)] if name == "userIds" else (cell,)
