"""What notices say to people, in each language; campaigns and reasons are shown as they were given, made harmless."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from ledger.core.json_value import printable
from ledger.core.notices import correction_notice_texts
from ledger.core.notices.notice_words import Facts, count_of, said
from ledger.core.recalls.pause_texts import cause_of, wrong_in
from ledger.notice_events import NoticeEvent

_MOST_CAMPAIGNS = 5
_TIMES = ("valid_until", "first_deadline", "from", "since")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeText:
    """A title of one line, and what is below it."""

    title: str
    body: str


def text_of(event: NoticeEvent, facts: Facts, language: str, zone: tzinfo = UTC) -> NoticeText:
    """Return what a notice says, with times in a zone; a link stands in a line of its own."""
    times = {name: _when(facts[name], zone) for name in _TIMES if facts.get(name)}
    texts = correction_notice_texts.TEXTS if "correction_id" in facts else _TEXTS
    title, body = texts[language][event]({**facts, **times})
    link = facts.get("link")
    return NoticeText(title=title, body=f"{body}\n{link}" if link else body)


def _when(moment: str, zone: tzinfo) -> str:
    local = datetime.fromisoformat(moment).astimezone(zone)
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M} UTC" + ("" if local.utcoffset() == timedelta(0) else f"{offset[:3]}:{offset[3:]}")


def _campaigns(facts: Facts, none: str, between: str) -> str:
    names: Sequence[str | None] = facts.get("campaigns", ())
    shown = [printable(name) if name else none for name in names[:_MOST_CAMPAIGNS]]
    return between.join(shown) + (" …" if len(names) > _MOST_CAMPAIGNS else "")


def _of_en(facts: Facts) -> str:
    names = _campaigns(facts, "messages without a campaign", ", ")
    return f" of {names}" if names else ""


def _end_en(facts: Facts) -> tuple[str, str]:
    number, all_, done = facts["recall_id"], facts["eligible"], facts["recalled"]
    why = f"Reason: “{said(facts['reason'])}”, {printable(facts['actor'])}."
    if done == all_:
        from_whom = f", from {count_of(facts['people_lost'], 'person', 'people')}" if facts["people_lost"] else ""
        whole = f"The message{_of_en(facts)} was" if all_ == 1 else f"All {all_:,} messages{_of_en(facts)} were"
        return f"Recall {number} is done", f"{whole} recalled{from_whom}. {why}"
    left = ", ".join(f"{count:,} {outcome}" for outcome, count in facts["left"].items())
    who = (
        f"{facts['people_lost']:,} of {count_of(facts['people'], 'person', 'people')} lost it."
        if facts["people"]
        else ""
    )
    return f"Recall {number} ended, and {count_of(all_ - done, 'message is', 'messages are')} left", (
        f"{done:,} of {count_of(all_, 'message', 'messages')}{_of_en(facts)} recalled. Left: {left}. {who} {why}"
    )


def _end_zh(facts: Facts) -> tuple[str, str]:
    number, all_, done = facts["recall_id"], facts["eligible"], facts["recalled"]
    why = f"原因：{said(facts['reason'])}（{printable(facts['actor'])}）。"
    if done == all_:
        people = f"，涉及 {facts['people_lost']:,} 人" if facts["people_lost"] else ""
        return f"撤回任务 {number} 已完成", f"{_of_zh(facts)}全部 {all_:,} 条消息已撤回{people}。{why}"
    left = "、".join(f"{_OUTCOMES_ZH.get(outcome, outcome)} {count:,} 条" for outcome, count in facts["left"].items())
    who = f"{facts['people']:,} 人中有 {facts['people_lost']:,} 人已看不到消息。" if facts["people"] else ""
    return f"撤回任务 {number} 已结束，仍有 {all_ - done:,} 条未撤回", (
        f"{_of_zh(facts)}共 {all_:,} 条消息，已撤回 {done:,} 条。未撤回：{left}。{who}{why}"
    )


def _stop_en(facts: Facts) -> tuple[str, str]:
    what, by = f"Recall {facts['recall_id']}", printable(facts["by"])
    messages = f"{count_of(facts['eligible'], 'message', 'messages')}{_of_en(facts)}"
    if "refusal" in facts:
        return (
            f"{what} was not agreed to",
            f"{by} refused it: “{said(facts['refusal'])}”. Nothing was recalled of {messages}.",
        )
    return f"{what} was cancelled", f"{by} cancelled it: {facts['recalled']:,} of {messages} recalled."


def _stop_zh(facts: Facts) -> tuple[str, str]:
    what, by = f"撤回任务 {facts['recall_id']}", printable(facts["by"])
    if "refusal" in facts:
        return f"{what} 未获同意", f"{_of_zh(facts)}{by} 不同意：{said(facts['refusal'])}。未撤回任何消息。"
    return f"{what} 已取消", (
        f"{_of_zh(facts)}由 {by} 取消；共 {facts['eligible']:,} 条消息，已撤回 {facts['recalled']:,} 条。"
    )


_OUTCOMES_ZH = {
    "refused": "被拒绝",
    "partial": "部分撤回",
    "expired": "已超时",
    "unknown": "结果未知",
    "cancelled": "已取消",
}


def _of_zh(facts: Facts) -> str:
    names = _campaigns(facts, "未标记批次", "、")
    return f"{names}：" if names else ""


_EN: Mapping[NoticeEvent, Callable[[Facts], tuple[str, str]]] = {
    NoticeEvent.APPROVAL_WANTED: lambda facts: (
        f"Recall {facts['recall_id']} waits for a second person",
        f"{printable(facts['by'])} wants to recall {count_of(facts['eligible'], 'message', 'messages')}{_of_en(facts)} "
        f"from {count_of(facts['people'], 'person', 'people')}: “{said(facts['reason'])}”. "
        f"Another person has to answer by {facts['valid_until']}.",
    ),
    NoticeEvent.PAUSED: lambda facts: (
        f"Recall {facts['recall_id']} is paused",
        f"{facts['recalled']:,} of {count_of(facts['eligible'], 'message', 'messages')}{_of_en(facts)} recalled. "
        f"{said(facts['message'])}. The first key is lost at {facts['first_deadline']}.",
    ),
    NoticeEvent.FINISHED: _end_en,
    NoticeEvent.CANCELLED: _stop_en,
    NoticeEvent.BREAK_GLASS: lambda facts: (
        f"Recall {facts['recall_id']} was started without a second person",
        f"{printable(facts['by'])} broke the glass: {count_of(facts['eligible'], 'message', 'messages')}{_of_en(facts)}"
        f", {count_of(facts['people'], 'person', 'people')}: “{said(facts['why'])}”. "
        f"Another person has to review it (`ledger review {facts['recall_id']} --reason TEXT`).",
    ),
    NoticeEvent.CONTRADICTED: lambda facts: (
        f"Messages of recall {facts['recall_id']} are still there",
        f"DingTalk had said that they were recalled{_of_en(facts)}. {printable(facts['by'])} asked again: "
        f"{count_of(facts['still_there'], 'message is', 'messages are')} there. "
        f"`ledger show {facts['recall_id']}` names what is.",
    ),
    NoticeEvent.CLOSING: lambda facts: (
        f"{_campaigns(facts, '', ', ')} can be recalled until {facts['first_deadline']}",
        f"{count_of(facts['recallable'], 'message', 'messages')} can still be recalled. "
        f"{printable(facts['by'])} asked to hear of it.",
    ),
    NoticeEvent.QUOTA: lambda facts: (
        "The month's API calls are used up" if facts["used"] >= facts["limit"] else "Few API calls are left this month",
        f"{facts['used']:,} of {facts['limit']:,} calls used, as far as recorded. A large recall may stop half-way.",
    ),
    NoticeEvent.SPOOL: lambda facts: (
        "Recorded keys wait outside the database",
        f"{facts['bytes']:,} bytes wait on {printable(facts['host'])}; until it is taken in, nobody can recall it. "
        "`ledger doctor` says what is in the way.",
    ),
    NoticeEvent.REFUSED_ROWS: lambda facts: (
        f"{count_of(facts['rows'], 'row', 'rows')} could not be recorded",
        f"They are kept on {printable(facts['host'])}, each with its reason: `ledger doctor` names the files.",
    ),
    NoticeEvent.WORKER: lambda facts: (
        "No worker was there to tell you of anything",
        f"From {facts['from']} until now. Look at `ledger recalls` and `ledger doctor`.",
    ),
    NoticeEvent.CHECKPOINT: lambda facts: (
        "Checkpoints of the history do not arrive",
        f"{printable(facts['name'])}, since {facts['since']}: {said(facts['error'])}. They are tried again.",
    ),
    NoticeEvent.EVENTS: lambda facts: (
        "Events of messages are not heard of before the next month",
        f"{facts['used']:,} of the {facts['limit']:,} pushes that may be used of the month are used: what is read, or "
        "recalled by other hands, is not heard of. LEDGER_STREAM_MONTHLY_EVENTS says how many may be.",
    ),
    NoticeEvent.TEST: lambda facts: (
        "A test of the recall ledger",
        f"{printable(facts['by'])} sent it: notices arrive here.",
    ),
}
_ZH: Mapping[NoticeEvent, Callable[[Facts], tuple[str, str]]] = {
    NoticeEvent.APPROVAL_WANTED: lambda facts: (
        f"撤回任务 {facts['recall_id']} 等待第二人同意",
        f"{_of_zh(facts)}{printable(facts['by'])} 申请从 {facts['people']:,} 人处撤回 {facts['eligible']:,} 条消息，"
        f"原因：{said(facts['reason'])}。请另一人在 {facts['valid_until']} 前答复。",
    ),
    NoticeEvent.PAUSED: lambda facts: (
        f"撤回任务 {facts['recall_id']} 已暂停",
        f"{_of_zh(facts)}共 {facts['eligible']:,} 条消息，已撤回 {facts['recalled']:,} 条。"
        f"{wrong_in(cause_of(facts), 'zh')}。最早的消息将于 {facts['first_deadline']} 无法撤回。",
    ),
    NoticeEvent.FINISHED: _end_zh,
    NoticeEvent.CANCELLED: _stop_zh,
    NoticeEvent.BREAK_GLASS: lambda facts: (
        f"撤回任务 {facts['recall_id']} 未经第二人同意即已启动",
        f"{_of_zh(facts)}{printable(facts['by'])} 紧急启动，{facts['eligible']:,} 条消息，涉及 {facts['people']:,} 人，"
        f"原因：{said(facts['why'])}。须由另一人复核。",
    ),
    NoticeEvent.CONTRADICTED: lambda facts: (
        f"撤回任务 {facts['recall_id']} 中有消息仍未消失",
        f"{_of_zh(facts)}钉钉曾答复已撤回，经 {printable(facts['by'])} 再次查询，"
        f"有 {facts['still_there']:,} 条消息仍然存在。请运行 `ledger show {facts['recall_id']}` 查看。",
    ),
    NoticeEvent.CLOSING: lambda facts: (
        f"{_campaigns(facts, '', '、')}：{facts['first_deadline']} 起开始无法撤回",
        f"仍有 {facts['recallable']:,} 条消息可撤回。由 {printable(facts['by'])} 设置提醒。",
    ),
    NoticeEvent.QUOTA: lambda facts: (
        "本月调用额度已用完" if facts["used"] >= facts["limit"] else "本月调用额度不足",
        f"{facts['limit']:,} 次中已记录使用 {facts['used']:,} 次，较大的撤回任务可能中途暂停。",
    ),
    NoticeEvent.SPOOL: lambda facts: (
        "有已记录的消息尚未写入数据库",
        f"{printable(facts['host'])} 上有 {facts['bytes']:,} 字节等待写入，写入前无法撤回。"
        "请运行 `ledger doctor` 查看原因。",
    ),
    NoticeEvent.REFUSED_ROWS: lambda facts: (
        f"有 {facts['rows']:,} 行无法记录",
        f"已保留在 {printable(facts['host'])} 上并附原因。请运行 `ledger doctor` 查看文件。",
    ),
    NoticeEvent.WORKER: lambda facts: (
        "曾没有工作进程发送通知",
        f"自 {facts['from']} 至今没有发送过任何通知。请运行 `ledger recalls` 和 `ledger doctor` 查看情况。",
    ),
    NoticeEvent.CHECKPOINT: lambda facts: (
        "审计检查点无法送达",
        f"{printable(facts['name'])}，自 {facts['since']} 起：{said(facts['error'])}。将继续重试。",
    ),
    NoticeEvent.EVENTS: lambda facts: (
        "下月之前不再接收消息事件",
        f"本月可用的 {facts['limit']:,} 次推送已用 {facts['used']:,} 次：在此之前无法得知消息是否已读或被他人撤回。"
        "次数上限由 LEDGER_STREAM_MONTHLY_EVENTS 设定。",
    ),
    NoticeEvent.TEST: lambda facts: ("撤回台账测试通知", f"由 {printable(facts['by'])} 发送：此处可以收到通知。"),
}
_TEXTS = {"en": _EN, "zh": _ZH}
