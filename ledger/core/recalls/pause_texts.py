"""Why something pauses and what somebody has to do, in each language: the one place of these texts, for every door."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Cause(StrEnum):
    """What has to be fixed; a cause with a code of its own is named by that, the code of the others is `paused`."""

    INTERRUPTED = "interrupted"
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    QUOTA_USED_UP = "quota_used_up"
    PROXY = "proxy"
    CERTIFICATE = "certificate"
    SCHEDULE_MISSED = "schedule_missed"
    WRONG_ENDPOINT = "wrong_endpoint"
    EVERY_KEY_REFUSED = "every_key_refused"
    TEXT_REFUSED = "text_refused"
    ROBOT_REFUSED = "robot_refused"
    SEND_REFUSED = "send_refused"
    NOT_REACHED = "not_reached"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseText:
    """What is wrong and what fixes it, as parts of a sentence; after that it can be resumed, unless `fix` says all.

    What stands in braces is named by whoever shows it, or by ANYBODY.
    """

    wrong: str
    fix: str = ""
    resumes: bool = True


_EN: Mapping[Cause, PauseText] = {
    Cause.INTERRUPTED: PauseText(wrong="somebody stopped it", fix="resume it when it should go on", resumes=False),
    Cause.CREDENTIALS: PauseText(wrong="the app's key or secret is missing or wrong", fix="fix {credentials}"),
    Cause.PERMISSION: PauseText(wrong="the app lacks a permission", fix="grant {scopes} in the developer console"),
    Cause.ADDRESS_NOT_ALLOWED: PauseText(
        wrong="the app does not accept calls from this machine",
        fix="add its address to the app's server exit addresses in the developer console",
    ),
    Cause.QUOTA_USED_UP: PauseText(
        wrong="the organisation's monthly quota of API calls is used up", fix="buy more or wait for the next month"
    ),
    Cause.PROXY: PauseText(
        wrong="the proxy {proxy} does not let calls through",
        fix="fix its login in HTTPS_PROXY or HTTP_PROXY, or exempt the endpoint in NO_PROXY",
    ),
    Cause.CERTIFICATE: PauseText(
        wrong="the certificate of {endpoint} is not trusted here",
        fix="if your company inspects HTTPS, name its CA in SSL_CERT_FILE; else check {setting} and the clock",
    ),
    Cause.SCHEDULE_MISSED: PauseText(wrong="it was not run at its time", resumes=False),
    Cause.WRONG_ENDPOINT: PauseText(wrong="the endpoint answers as DingTalk never does", fix="check {setting}"),
    Cause.EVERY_KEY_REFUSED: PauseText(
        wrong="DingTalk refuses every key with a code that no page explains, and each refusal costs calls",
        fix="look at what it answered, then {resume} or {cancel}",
        resumes=False,
    ),
    Cause.TEXT_REFUSED: PauseText(
        wrong="DingTalk does not take this text",
        fix="{cancel} the correction, then correct with another one, which goes to those who got none yet",
        resumes=False,
    ),
    Cause.ROBOT_REFUSED: PauseText(
        wrong="the robot may not write to people one by one", fix="let it, in the developer console"
    ),
    Cause.SEND_REFUSED: PauseText(
        wrong="DingTalk refuses to send it, and each refusal costs a call",
        fix="see to that, then {resume} or {cancel}",
        resumes=False,
    ),
    Cause.NOT_REACHED: PauseText(wrong="DingTalk cannot be reached from here", fix="see to the network"),
    Cause.OTHER: PauseText(wrong="somebody has to fix something", fix="do so"),
}
_ZH: Mapping[Cause, PauseText] = {
    Cause.INTERRUPTED: PauseText(wrong="有人停止了它", fix="需要时请点击“继续”", resumes=False),
    Cause.CREDENTIALS: PauseText(wrong="应用的 AppKey 或 AppSecret 缺失或有误", fix="请在配置中修正"),
    Cause.PERMISSION: PauseText(wrong="应用缺少权限", fix="请在钉钉开发者后台开通权限 {scopes}"),
    Cause.ADDRESS_NOT_ALLOWED: PauseText(
        wrong="应用不接受来自本机地址的调用", fix="请在钉钉开发者后台的“服务器出口 IP”中加入本机地址"
    ),
    Cause.QUOTA_USED_UP: PauseText(wrong="本月的接口调用次数已用完", fix="请提升额度或等到下月"),
    Cause.PROXY: PauseText(
        wrong="通往钉钉的代理拒绝放行",
        fix="请修正 HTTPS_PROXY 或 HTTP_PROXY 中的登录信息，或在 NO_PROXY 中排除接口地址",
    ),
    Cause.CERTIFICATE: PauseText(
        wrong="本机不信任对方的证书",
        fix="公司检查 HTTPS 时，请用 SSL_CERT_FILE 指定企业 CA 证书；否则请检查配置中的接口地址和时钟",
    ),
    Cause.SCHEDULE_MISSED: PauseText(wrong="到了设定的时间，但未能执行", resumes=False),
    Cause.WRONG_ENDPOINT: PauseText(wrong="接口地址的答复不像钉钉", fix="请检查配置中的接口地址"),
    Cause.EVERY_KEY_REFUSED: PauseText(
        wrong="钉钉以文档中没有的代码拒绝每一条消息，且每次拒绝都占用调用次数",
        fix="请查看其答复，然后继续或停止",
        resumes=False,
    ),
    Cause.TEXT_REFUSED: PauseText(
        wrong="钉钉不接受这段内容",
        fix="请停止这个更正，再用其他内容更正：只发给还没有收到的人",
        resumes=False,
    ),
    Cause.ROBOT_REFUSED: PauseText(wrong="机器人没有单独给人发消息的权限", fix="请在钉钉开发者后台开通"),
    Cause.SEND_REFUSED: PauseText(
        wrong="钉钉拒绝发送，且每次拒绝都占用调用次数", fix="请先处理，然后继续或停止", resumes=False
    ),
    Cause.NOT_REACHED: PauseText(wrong="从本机无法连接钉钉", fix="请检查网络"),
    Cause.OTHER: PauseText(wrong="需要有人处理", fix="请先处理"),
}
TEXTS: Mapping[str, Mapping[Cause, PauseText]] = {"en": _EN, "zh": _ZH}
# What is done on a page.
BUTTONS: Mapping[str, str] = {"resume": "resume", "cancel": "stop"}
# What is named where nobody knows better.
ANYBODY: Mapping[str, str] = {
    "credentials": "it in the settings",
    "scopes": "qyapi_robot_sendmsg",
    "proxy": "on the way",
    "endpoint": "whoever answers for DingTalk",
    "setting": "the endpoint in the settings",
    **BUTTONS,
}
# What older versions kept of a missing permission has its code in the text alone.
_SCOPES = re.compile(r"\bGrant (.+?) in the developer console")
_STOP, _BETWEEN = {"en": ".", "zh": "。"}, {"en": " ", "zh": ""}
_SAID = {"en": " DingTalk said: ", "zh": "钉钉答复："}
_THEN = {"en": ", then resume", "zh": "，再点击“继续”"}


def cause_of(error: Mapping[str, Any]) -> Cause:
    """Return the cause of what is kept of a pause; one that is not known here is another one."""
    name = error.get("cause") or error.get("code")
    return Cause(name) if name in tuple(Cause) else Cause.OTHER


def named_in(error: Mapping[str, Any]) -> dict[str, str]:
    """Return what is kept of a pause that its sentence names."""
    found = _SCOPES.search(str(error.get("message", "")))
    scopes = error.get("scopes") or (found[1] if found else None)
    return {"scopes": str(scopes)} if scopes and cause_of(error) is Cause.PERMISSION else {}


def wrong_in(cause: Cause, language: str) -> str:
    """Say in a language what is wrong, as a part of a sentence."""
    return TEXTS[language][cause].wrong.format_map(ANYBODY)


def sentence_in(cause: Cause, language: str) -> str:
    """Say in a language what is wrong, as a whole sentence."""
    return _sentence(wrong_in(cause, language), language)


def whole_in(cause: Cause, language: str) -> str:
    """Say in a language what is wrong and what to do, in whole sentences, for people who have a page before them."""
    return pattern_in(cause, language).format_map(ANYBODY)


def told_in(error: Mapping[str, Any], language: str) -> str:
    """Say in a language why something paused and what to do, with the words of DingTalk, for a file."""
    cause = cause_of(error)
    says = pattern_in(cause, language).format_map({**ANYBODY, **named_in(error)})
    said = error.get("answered")
    return f"{says}{_SAID[language]}{said}" if said and cause not in (Cause.PROXY, Cause.CERTIFICATE) else says


def pattern_in(cause: Cause, language: str) -> str:
    """Return these sentences with what they name in braces, for whoever marks the names in their own way."""
    text = TEXTS[language][cause]
    named = {**{name: f"{{{name}}}" for name in ANYBODY}, **BUTTONS}
    fix = text.fix + (_THEN[language] if text.fix and text.resumes else "")
    parts = [part.format_map(named) for part in (text.wrong, fix) if part]
    return _BETWEEN[language].join(_sentence(part, language) for part in parts)


def _sentence(text: str, language: str) -> str:
    return f"{text[0].upper()}{text[1:]}{_STOP[language]}"
