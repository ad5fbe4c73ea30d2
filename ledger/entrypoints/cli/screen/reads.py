"""Who has read it, in plain words: what asking costs, and the share as far as it is known."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ledger.core.readers.read_sample import percents
from ledger.entrypoints.cli.screen.words import number_of

if TYPE_CHECKING:
    from ledger.core.readers.read_sample import BeforeReading, ReadPrice, ReadReport


def price_in_words(price: "ReadPrice") -> str:
    """Say what asking costs, and what the month has left then."""
    which = "" if price.sample == price.messages else f" of {price.messages:,}, drawn by lot"
    least = "at least " if price.is_least else ""
    quota = price.quota
    parts = [
        f"asks about {number_of(price.sample, 'message')}{which}: {least}{number_of(price.calls, 'call')} of the "
        f"month's quota, which leaves {quota['after']:,} of {quota['limit']:,}"
    ]
    if quota["after"] < quota["reserve"]:
        parts.append(f"that takes from the {quota['reserve']:,} that are kept for recalls")
    if price.known:
        parts.append(f"{price.known:,} answered just now already")
    if price.too_late:
        parts.append(f"{price.too_late:,} are past their 24 hours and are left out")
    if price.unconfigured:
        parts.append(f"{price.unconfigured:,} are of robots that no app is configured for")
    return "; ".join(parts)


def report_in_words(report: "ReadReport") -> Iterator[str]:
    """Say how large a share has read it, how many were asked, and what nobody can say."""
    asked = f"{report.asked:,} of {number_of(report.messages, 'message')} asked"
    shares = percents(report.share_low, report.share_high)
    group = report.of_unknown_size
    if shares is None:
        if report.asked == group.asked:
            yield f"Of what share nobody can say ({asked})"
    elif shares[0] == shares[1]:
        yield f"{shares[0]} % had read it ({asked})"
    else:
        yield f"Between {shares[0]} % and {shares[1]} % had read it ({asked})"
    if report.asked > group.asked:
        read = report.read - group.read
        yield f"  asked: {read:,} of {number_of(read + report.unread, 'person', 'people')} had read it"
    if group.asked:
        where = "a conversation" if group.asked == 1 else f"{group.asked:,} messages in conversations"
        yield f"  {number_of(group.read, 'person', 'people')} had read it in {where} of unknown size"
    if report.told:
        yield f"  events told of {number_of(report.told, 'reader')}: at least so many had read it"
    if report.unknown:
        yield f"  of {number_of(report.unknown, 'message')} DingTalk did not say who had read them"


def before_reading_in_words(before: "BeforeReading") -> str:
    """Say how many a recall reached before they had read it, as far as somebody asked."""
    parts = []
    if (shares := percents(before.share, before.share)) is not None:
        unread = f"{'at most ' if before.is_most else ''}{before.people - before.read:,}"
        people = number_of(before.people, "person", "people")
        parts.append(f"{unread} of {people} lost it before they had read it ({shares[0]} %)")
    if before.of_unknown_size:
        readers = number_of(before.readers_of_unknown_size, "person", "people")
        parts.append(f"{readers} had read {number_of(before.of_unknown_size, 'message')} in conversations")
    if before.not_known:
        parts.append(f"not known for {number_of(before.not_known, 'message')}")
    return "; ".join(parts)
