"""`campaigns` on a screen: the most urgent are seen, and what nobody can recall any more does not push them off."""

from datetime import UTC, datetime, timedelta
from io import StringIO

from rich.console import Console

from ledger.core.campaigns.campaign import CampaignLine, no_messages
from ledger.entrypoints.cli.screen.tables import print_campaigns

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(number: int, *, is_over: bool = False) -> CampaignLine:
    deadline = None if is_over else NOW + timedelta(minutes=5 + 10 * number)
    return CampaignLine(
        campaign=f"{'over' if is_over else 'campaign'}-{number:03}",
        messages=10,
        recipients=10,
        recallable=0 if is_over else 10,
        recalled=10 if is_over else 0,
        first_deadline=deadline,
        last_deadline=deadline,
        people=10,
    )


def printed(lines: list[CampaignLine], *, is_terminal: bool = True, show_all: bool = False) -> str:
    paper = Console(file=StringIO(), width=80, height=24, force_terminal=is_terminal, color_system=None)
    print_campaigns(paper, lines, NOW, show_all=show_all)
    assert isinstance(paper.file, StringIO)
    return paper.file.getvalue()


def test_a_screen_of_24_lines_holds_the_most_urgent_whatever_there_is_beside_them() -> None:
    lines = [*(line(number) for number in range(37)), *(line(number, is_over=True) for number in range(30))]
    seen = printed(lines)
    assert len(seen.splitlines()) <= 23
    assert "campaign-000" in seen
    assert "over-" not in seen
    assert "18 campaigns with more time left: --all" in seen
    assert "30 campaigns of which nothing can be recalled any more: --all" in seen


def test_all_of_them_are_there_for_who_wants_them_and_for_a_pipe() -> None:
    lines = [*(line(number) for number in range(37)), *(line(number, is_over=True) for number in range(30))]
    for seen in (printed(lines, show_all=True), printed(lines, is_terminal=False)):
        assert (seen.count("campaign-"), seen.count("over-")) == (37, 30)
        assert "--all" not in seen


def test_keys_that_were_lost_are_no_reason_to_hide_a_campaign() -> None:
    lost = no_messages("all-lost")
    seen = printed([CampaignLine(**{name: getattr(lost, name) for name in lost.__slots__} | {"keyless": 3})])
    assert "all-lost" in seen
    assert "3 sends may have reached people" in seen
