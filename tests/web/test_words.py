"""The texts: every language has every one of them, with the same values, and none that nobody shows."""

import re
from pathlib import Path
from string import Formatter

import pytest

import ledger.entrypoints.web
from ledger import Ledger
from ledger.core.access.roles import Role
from ledger.core.campaigns.board import Order
from ledger.core.check_up import Level
from ledger.core.corrections.correction import WhyNot
from ledger.core.events.stream_state import StreamStanding
from ledger.core.recalls.pause_texts import Cause, cause_of
from ledger.core.recalls.plan import Standing
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recalls.recall_state import RecallState
from ledger.core.recalls.reply import Verdict
from ledger.core.recalls.stop import StopCode
from ledger.core.recording.capture import UNDELIVERED
from ledger.core.recording.message import Chat, Keyless
from ledger.entrypoints.web.corrections import KINDS
from ledger.entrypoints.web.page import without_flags
from ledger.entrypoints.web.story import PAUSE, WAIT, WORK
from ledger.entrypoints.web.words import LANGUAGES, Words, choose, words_of
from ledger.errors import LedgerError, PausedError
from ledger.store.corrections.corrections import NOBODY_NAMED
from ledger.store.recalls.lost_calls import LOST
from tests.conftest import MakeLedger

FOLDER = Path(ledger.entrypoints.web.__path__[0])
# Texts that are found by a name from elsewhere: of an outcome, an error, a kind of trouble.
BY_NAME = {
    "actor",
    "check",
    "chat",
    "correction_count",
    "correction_hand",
    "correction_kind",
    "correction_now",
    "correction_missed",
    "correction_why",
    "dispute",
    "error",
    "event",
    "fact",
    "finding",
    "own",
    "health",
    "lasted",
    "level",
    "nav",
    "near",
    "order",
    "outcome",
    "outcome_means",
    "people",
    "person",
    "plan",
    "role",
    "selected",
    "standing",
    "state",
    "status",
    "stream",
    "trouble",
    "trouble_of",
    "undelivered",
    "unrecallable",
    "verdict",
    "count",
    "decision",
    "differs",
    "stop",
}
# What stands between two words has blanks, or is nothing at all.
BETWEEN = ("page.comma", "decision.between", "messages.before_more")


def forms(text: object) -> dict[str, str]:
    return {"": text} if isinstance(text, str) else dict(text)  # type: ignore[call-overload]


def values_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_has_every_text_with_the_same_values() -> None:
    english = words_of("en").texts
    for language in LANGUAGES:
        texts = words_of(language).texts
        assert set(texts) == set(english)
        for key, text in texts.items():
            wanted = set.union(*(values_of(form) for form in forms(english[key]).values()))
            for name, form in forms(text).items():
                assert values_of(form) == wanted or (name == "one" and values_of(form) == wanted - {"n"}), key
                assert form.strip() == form != "" or key in BETWEEN, key


def test_every_text_is_shown_somewhere() -> None:
    sources = [*FOLDER.glob("templates/*.html"), *FOLDER.glob("*.py")]
    content = "\n".join(source.read_text("utf-8") for source in sources)
    shown = set(re.findall(r"""(?:\bt|words|_words|self)\(\s*"([a-z_]+\.[a-z_]+)"\s*[,)]""", content))
    unseen = {key for key in words_of("en").texts if key not in shown and key.partition(".")[0] not in BY_NAME}
    assert unseen == set()
    assert shown - set(words_of("en").texts) == set()


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("outcome", [*Outcome, "waiting"]),
        ("outcome_means", list(Outcome)),
        ("status", list(Status)),
        ("correction_why", list(WhyNot)),
        ("correction_missed", list(UNDELIVERED)),
        ("correction_hand", [Chat.GROUP, Chat.PRIVATE, NOBODY_NAMED]),
        ("correction_kind", KINDS),
        ("correction_count", ["pending", "unknown", "not_reached", "refused", "cancelled"]),
        ("state", list(RecallState)),
        ("standing", list(Standing)),
        ("chat", list(Chat)),
        ("role", list(Role)),
        ("stream", [*StreamStanding, "nobody"]),
        ("level", list(Level)),
        ("stop", list(StopCode)),
        ("lasted", [WORK, PAUSE, WAIT]),
        ("order", list(Order)),
        ("verdict", [*Verdict, LOST, "flying"]),
        ("unrecallable", [kind for kind in Keyless if kind is not Keyless.NO_KEY]),
    ],
)
def test_whatever_the_ledger_names_has_words(section: str, names: list[str]) -> None:
    for language in LANGUAGES:
        assert [name for name in names if not words_of(language).has(f"{section}.{name}")] == []


def _codes(of: type[LedgerError]) -> set[str]:
    return {of.code, *(code for child in of.__subclasses__() for code in _codes(child))} - {"error"}


def test_every_error_and_every_pause_has_words_of_its_own() -> None:
    for language in LANGUAGES:
        words = words_of(language)
        assert [code for code in _codes(LedgerError) if not words.has(f"error.{code}")] == []
        assert {cause_of({"code": code}) for code in _codes(PausedError) - {"paused"}}.isdisjoint({Cause.OTHER})


def test_every_finding_of_the_doctor_has_words_of_its_own(book: Ledger, make_ledger: MakeLedger) -> None:
    checks = [*book.parts.examine(), *make_ledger(monthly_calls=1, stream=True).parts.examine()]
    names = {check.name.partition(" of ")[0] for check in checks}
    facts = {name for check in checks for name in check.facts}
    assert {"place", "free", "used_calls", "limit_calls", "waiting_bytes", "limit_pushes"} <= facts
    for language in LANGUAGES:
        words = words_of(language)
        assert [name for name in names if not words.has(f"check.{name}")] == []
        wanted = [f"finding.{name}_{level}" for name in names for level in Level]
        wanted += [f"fact.{name}" for name in facts]
        assert [name for name in wanted if not words.has(name)] == []


def test_no_text_of_the_console_names_an_option_of_the_command_line() -> None:
    for language in LANGUAGES:
        for key, text in words_of(language).texts.items():
            assert not [form for form in forms(text).values() if re.search(r"(^|\s)--[a-z]", form)], key


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no worker: start `ledger serve` without --no-worker", "no worker"),
        ("somebody may not recall: `ledger token create --role` makes one that may", "somebody may not recall"),
        ("all is well", "all is well"),
        ("a--b is no option. It stays", "a--b is no option. It stays"),
    ],
)
def test_what_is_for_the_command_line_is_left_out_of_pages(text: str, shown: str) -> None:
    assert without_flags(text) == shown


@pytest.mark.parametrize(
    ("by_hand", "accepted", "chosen"),
    [
        (None, "", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "fr, en;q=0.4, zh-TW;q=0.5", "zh"),
        (None, "fr-CH, de;q=0.9", "en"),
        (None, "zh;q=0, en;q=0.1", "en"),
        (None, "zh;q=nonsense, en", "en"),
        ("zh", "en", "zh"),
        ("../en", "zh", "zh"),
    ],
)
def test_the_language_is_the_one_chosen_by_hand_or_the_best_that_the_browser_wants(
    by_hand: str | None, accepted: str, chosen: str
) -> None:
    assert choose(by_hand, accepted) == chosen


def test_values_are_escaped_and_numbers_are_written_as_people_read_them() -> None:
    words = Words("en", {"a.b": "{n} of {who} in {id}", "a.c": {"one": "{n} call", "other": "{n} calls"}})
    assert words("a.b", n=1234567, who="<b>", id=1234) == "1,234,567 of &lt;b&gt; in 1234"
    assert [words("a.c", n=1), words("a.c", n=2000)] == ["1 call", "2,000 calls"]


@pytest.mark.parametrize(
    ("seconds", "detail"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (90000, "25 h"),
        (90061, "25 h 1 min"),
    ],
)
def test_a_span_is_written_in_its_two_largest_units(seconds: float, detail: str) -> None:
    assert words_of("en").span(seconds) == detail
