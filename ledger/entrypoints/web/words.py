"""Words: the console's texts in each language, a file a language, and the choice of a language for a viewer."""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from ledger.core.recalls.pause_texts import ANYBODY, Cause, cause_of, named_in, pattern_in, sentence_in
from ledger.core.recalls.stop import OF_PAUSES
from ledger.entrypoints.formats.translations import FileLanguage

LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文"}
HTML_LANGUAGES: Mapping[str, str] = {"en": "en", "zh": "zh-CN"}
DEFAULT = "en"

Text = str | Mapping[str, str]


class Words:
    """The texts of one language: `words("nav.now")`; a text with forms for numbers goes by its value `n`."""

    def __init__(self, language: str, texts: Mapping[str, Text]) -> None:
        self.language, self.texts = language, texts

    def __call__(self, key: str, **values: Any) -> Markup:
        """Return a text with its values put in; they are escaped, and numbers but ids get commas."""
        text = self.texts[key]
        if not isinstance(text, str):
            text = text["one"] if values["n"] == 1 and "one" in text else text["other"]
        shown = {name: f"{value:,}" if type(value) is int and name != "id" else value for name, value in values.items()}
        return escape(text).format(**shown)

    def pause(self, error: Mapping[str, Any], mark: Callable[[str], Markup] = escape) -> Markup:
        """Say why something paused and what to do; what the sentence names of it, or who did it, is marked."""
        if cause_of(error) is Cause.INTERRUPTED and error.get("by"):
            return self("recall.stopped_by", who=mark(error["by"]))
        named = {**ANYBODY, **{name: mark(text) for name, text in named_in(error).items()}}
        return escape(pattern_in(cause_of(error), self.language)).format_map(named)

    @property
    def file_language(self) -> FileLanguage | None:
        """The language of files that are taken along; None for the one of programs."""
        return FileLanguage(self.language) if self.language in tuple(FileLanguage) else None

    def has(self, key: str) -> bool:
        """Say whether there is such a text, as not for every error of the ledger."""
        return key in self.texts

    def span(self, seconds: float) -> Markup:
        """Write a length of time in its two largest units, of which one may be enough."""
        whole = max(int(seconds), 0)
        hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
        if hours and not minutes:
            return self("span.whole_hours", h=hours)
        return self("span.whole_minutes", m=minutes) if minutes and not rest and not hours else self.countdown(whole)

    def countdown(self, seconds: float) -> Markup:
        """Write a length of time that passes: always in two units, as scripts go on to write it."""
        whole = max(int(seconds), 0)
        hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
        if hours:
            return self("span.hours", h=hours, m=minutes)
        return self("span.minutes", m=minutes, s=rest) if minutes else self("span.seconds", s=rest)


@cache
def words_of(language: str) -> Words:
    """Return the texts of a language, read from its file."""
    content = files("ledger.entrypoints.web").joinpath("languages", f"{language}.toml").read_text(encoding="utf-8")
    sections = tomllib.loads(content)
    texts = {f"{section}.{name}": text for section, entries in sections.items() for name, text in entries.items()}
    return Words(language, texts | _of_pauses(language))


def _of_pauses(language: str) -> dict[str, Text]:
    """Return what pages say of what would lead to a pause, and of errors that are one: every door says that."""
    texts: dict[str, Text] = {f"stop.{code}": sentence_in(Cause(code.value), language) for code in OF_PAUSES}
    texts |= {f"error.{code}": sentence_in(Cause(code.value), language) for code in OF_PAUSES}
    texts |= {f"error.{Cause.SCHEDULE_MISSED}": sentence_in(Cause.SCHEDULE_MISSED, language)}
    return texts


def choose(by_hand: str | None, accepted: str) -> str:
    """Return the language for a viewer: the one chosen by hand, or the best that an Accept-Language header names."""
    if by_hand is not None and by_hand in LANGUAGES:
        return by_hand
    wishes = []
    for place, part in enumerate(accepted.split(",")):
        name, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        wishes.append((-quality, place, name.strip().lower().partition("-")[0]))
    return next((name for quality, _, name in sorted(wishes) if quality < 0 and name in LANGUAGES), DEFAULT)
