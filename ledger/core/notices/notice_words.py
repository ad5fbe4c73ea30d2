"""What texts of notices have in common: numbers, what people wrote made harmless, and why something stopped."""

from collections.abc import Mapping
from typing import Any

from ledger.core.json_value import printable

Facts = Mapping[str, Any]
_LONGEST_REASON = 300
_PAUSES_ZH = {
    "interrupted": "已被人工停止",
    "credentials": "应用的密钥缺失或错误",
    "permission": "应用没有撤回权限",
    "address_not_allowed": "应用不接受来自该机器地址的请求",
    "quota_used_up": "本月调用次数已用完",
    "proxy": "通往钉钉的代理不放行请求",
    "certificate": "该机器不信任对方的证书",
}


def said(text: object) -> str:
    """Return what somebody wrote as it may be shown, long texts cut."""
    shown = printable(str(text or ""))
    return shown if len(shown) <= _LONGEST_REASON else f"{shown[:_LONGEST_REASON]}…"


def count_of(number: int, one: str, more: str) -> str:
    """Return a number with what it counts, in English."""
    return f"{number:,} {one if number == 1 else more}"


def cause_zh(code: object) -> str:
    """Say in Chinese why something is paused."""
    return _PAUSES_ZH.get(str(code), "需要人工处理")
