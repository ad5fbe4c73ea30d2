"""What columns and codes of files are called in Chinese, for people; each name and code stays beside its words."""

from collections.abc import Mapping
from enum import StrEnum

from ledger.core.access.actors import EXPIRY, OURSELVES, SCHEDULE, WORKER
from ledger.core.key_results import NAMED_NOWHERE, NAMED_TWICE
from ledger.core.recalls.recall import CANCELLED_WAITING, EXPIRED_WAITING, OWNER_GONE


class FileLanguage(StrEnum):
    """The languages other than that of programs in which files are written."""

    ZH = "zh"


_COLUMNS = {
    "process_query_key": "消息标识",
    "robot_code": "机器人编码",
    "campaign": "群发批次",
    "sent_at": "发送时间",
    "deadline": "撤回截止时间",
    "recipients": "接收者",
    "outcome": "结果",
    "code": "代码",
    "reason": "原因",
    "attempts": "尝试次数",
    "recall_id": "撤回任务",
    "actor": "发起人",
    "finished_at": "结束时间",
    "undelivered": "未送达",
    "recall_reason": "撤回原因",
    "approved_by": "审批人",
    "chat": "会话类型",
    "open_conversation_id": "会话",
    "source": "发送程序",
    "user": "用户",
    "status": "状态",
    "state": "当前情况",
    "campaigns": "群发批次",
    "planned_at": "计划时间",
    "started_at": "开始时间",
    "elapsed_seconds": "历时秒数",
    "eligible": "消息数",
    "recalled": "已撤回",
    "refused": "被拒绝",
    "partial": "部分撤回",
    "expired": "已过期",
    "unknown": "结果不明",
    "cancelled": "已取消",
    "pending": "等待撤回",
    "calls": "调用次数",
    "error": "暂停原因",
    "follows": "由此任务触发",
    "break_glass_by": "未经同意执行者",
    "break_glass_reason": "未经同意的理由",
    "reviewed_by": "复核人",
    "review": "复核意见",
    "messages": "消息数",
    "left": "仍能看到",
}
_CODES: Mapping[str, Mapping[str, str]] = {
    "outcome": {
        "recalled": "已撤回",
        "refused": "被拒绝",
        "partial": "部分撤回",
        "expired": "已过期",
        "unknown": "结果不明",
        "cancelled": "已取消",
    },
    # A status does not say who has to do something, nor whether all is recalled; the state beside it does.
    "status": {
        "planned": "未开始",
        "running": "执行中",
        "paused": "已暂停",
        "finished": "已结束",
        "cancelled": "已取消",
    },
    "state": {
        "to_approve": "等待第二人同意",
        "to_review": "待复核",
        "scheduled": "已定时",
        "stale": "已无法执行",
        "planned": "仅计划",
        "running": "执行中",
        "paused": "已暂停",
        "partly": "部分完成",
        "nothing": "未能撤回",
        "finished": "已完成",
        "cancelled": "已取消",
    },
    "chat": {"one_to_one": "单聊", "group": "群聊", "private": "人与人单聊"},
}
# Whole sentences of ours, which need no code beside them.
_SENTENCES: Mapping[str, Mapping[str, str]] = {
    "reason": {
        EXPIRED_WAITING: "轮到之前已超过 24 小时",
        CANCELLED_WAITING: "轮到之前任务已停止",
        OWNER_GONE: "发出请求的进程在收到答复前已退出",
        NAMED_NOWHERE: "钉钉的答复没有提到此消息",
        NAMED_TWICE: "钉钉的答复既说成功又说失败",
    },
    "actor": {OURSELVES: "系统", WORKER: "后台进程", SCHEDULE: "定时", EXPIRY: "自动撤回"},
}


def column_in(language: FileLanguage | None, name: str) -> str:
    """Return what a column is called: `结果 (outcome)`."""
    return name if language is None else _beside(_COLUMNS.get(name), name)


def code_in(language: FileLanguage | None, column: str, value: object) -> object:
    """Return a value as it is written: of a column of codes, `已撤回 (recalled)`; a sentence of ours as one."""
    if language is not None and isinstance(value, str) and (sentence := _SENTENCES.get(column, {}).get(value)):
        return sentence
    return (
        _beside(_CODES.get(column, {}).get(value), value) if language is not None and isinstance(value, str) else value
    )


def _beside(words: str | None, code: str) -> str:
    return code if words is None else f"{words} ({code})"
