"""What notices of corrections say to people, in each language."""

from collections.abc import Callable, Mapping

from ledger.core.json_value import printable
from ledger.core.notices.notice_words import Facts, count_of, said
from ledger.core.recalls.pause_texts import cause_of, wrong_in
from ledger.notice_events import NoticeEvent

_OUTCOMES_EN = {"not_reached": "not reached", "unknown": "unknown", "refused": "refused", "cancelled": "cancelled"}
_OUTCOMES_ZH = {"not_reached": "未送达", "unknown": "结果未知", "refused": "被拒绝", "cancelled": "已取消"}


def _end_en(facts: Facts) -> tuple[str, str]:
    number, all_, sent = facts["recall_id"], facts["people"], facts["sent"]
    why = f"Reason: “{said(facts['reason'])}”, {printable(facts['actor'])}."
    none = f" {count_of(facts['skipped'], 'person', 'people')} of the recall got none." if facts["skipped"] else ""
    if sent == all_:
        whom = "The one person" if all_ == 1 else f"All {all_:,} people"
        return f"The correction of recall {number} is done", f"{whom} got it.{none} {why}"
    return f"The correction of recall {number} ended, and {count_of(all_ - sent, 'person is', 'people are')} left", (
        f"{sent:,} of {count_of(all_, 'person', 'people')} got it. Left: {_left(facts, _OUTCOMES_EN)}.{none} {why}"
    )


def _end_zh(facts: Facts) -> tuple[str, str]:
    number, all_, sent = facts["recall_id"], facts["people"], facts["sent"]
    why = f"原因：{said(facts['reason'])}（{printable(facts['actor'])}）。"
    none = f"撤回任务中另有 {facts['skipped']:,} 人不发送。" if facts["skipped"] else ""
    if sent == all_:
        return f"撤回任务 {number} 的更正已完成", f"更正已发送给全部 {all_:,} 人。{none}{why}"
    left = "、".join(f"{_OUTCOMES_ZH[outcome]} {count:,} 人" for outcome, count in facts["left"].items())
    return f"撤回任务 {number} 的更正已结束，仍有 {all_ - sent:,} 人未收到", (
        f"共 {all_:,} 人，已发送 {sent:,} 人。未收到：{left}。{none}{why}"
    )


def _stop_en(facts: Facts) -> tuple[str, str]:
    what, by = f"The correction of recall {facts['recall_id']}", printable(facts["by"])
    people = count_of(facts["people"], "person", "people")
    if "refusal" in facts:
        return f"{what} was not agreed to", f"{by} refused it: “{said(facts['refusal'])}”. None of {people} got it."
    return f"{what} was cancelled", f"{by} cancelled it: {facts['sent']:,} of {people} got it."


def _stop_zh(facts: Facts) -> tuple[str, str]:
    what, by = f"撤回任务 {facts['recall_id']} 的更正", printable(facts["by"])
    if "refusal" in facts:
        return f"{what}未获同意", f"{by} 不同意：{said(facts['refusal'])}。共 {facts['people']:,} 人，均未发送。"
    return f"{what}已取消", f"由 {by} 取消；共 {facts['people']:,} 人，已发送 {facts['sent']:,} 人。"


def _left(facts: Facts, names: Mapping[str, str]) -> str:
    return ", ".join(f"{count:,} {names[outcome]}" for outcome, count in facts["left"].items())


_EN: Mapping[NoticeEvent, Callable[[Facts], tuple[str, str]]] = {
    NoticeEvent.APPROVAL_WANTED: lambda facts: (
        f"The correction of recall {facts['recall_id']} waits for a second person",
        f"{printable(facts['by'])} wants to send it to {count_of(facts['people'], 'person', 'people')}: "
        f"“{said(facts['reason'])}”. Another person has to answer by {facts['valid_until']}.",
    ),
    NoticeEvent.PAUSED: lambda facts: (
        f"The correction of recall {facts['recall_id']} is paused",
        f"{facts['sent']:,} of {count_of(facts['people'], 'person', 'people')} got it. {said(facts['message'])}.",
    ),
    NoticeEvent.FINISHED: _end_en,
    NoticeEvent.CANCELLED: _stop_en,
}
_ZH: Mapping[NoticeEvent, Callable[[Facts], tuple[str, str]]] = {
    NoticeEvent.APPROVAL_WANTED: lambda facts: (
        f"撤回任务 {facts['recall_id']} 的更正等待第二人同意",
        f"{printable(facts['by'])} 申请向 {facts['people']:,} 人发送更正，原因：{said(facts['reason'])}。"
        f"请另一人在 {facts['valid_until']} 前答复。",
    ),
    NoticeEvent.PAUSED: lambda facts: (
        f"撤回任务 {facts['recall_id']} 的更正已暂停",
        f"共 {facts['people']:,} 人，已发送 {facts['sent']:,} 人。{wrong_in(cause_of(facts), 'zh')}。",
    ),
    NoticeEvent.FINISHED: _end_zh,
    NoticeEvent.CANCELLED: _stop_zh,
}
TEXTS = {"en": _EN, "zh": _ZH}
