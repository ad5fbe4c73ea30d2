"""What columns and codes of files are called in Chinese, for people; each name and code stays beside its words."""

from collections.abc import Mapping
from enum import StrEnum


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
        "to_approve": "待第二人同意",
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


def column_in(language: FileLanguage | None, name: str) -> str:
    """Return what a column is called: `结果 (outcome)`."""
    return name if language is None else _beside(_COLUMNS.get(name), name)


def code_in(language: FileLanguage | None, column: str, value: object) -> object:
    """Return a value as it is written: of a column of codes, `已撤回 (recalled)`."""
    return (
        _beside(_CODES.get(column, {}).get(value), value) if language is not None and isinstance(value, str) else value
    )


def _beside(words: str | None, code: str) -> str:
    return code if words is None else f"{words} ({code})"
