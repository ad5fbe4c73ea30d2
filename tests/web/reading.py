"""Reading pages as people do: the text that is seen, by whether it is ours or came from outside."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "input", "br", "rect", "path"}
_UNSEEN = {"script", "style", "title"}
# What people are told by attributes.
_SPOKEN = {"aria-label", "title", "placeholder", "alt", "data-label", "data-text", "data-back"}


@dataclass
class Form:
    """A form of a page: where it goes, and its hidden fields."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """A page: our own texts, texts from outside (marked as not to be translated), tags, links and forms."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.own: list[str] = []
        self.outside: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[Form] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(content)
        self.close()

    @property
    def text(self) -> str:
        """All that is seen, white space as one space."""
        return " ".join(" ".join(self._seen).split())

    @property
    def links(self) -> list[str]:
        """Where links lead."""
        return [attributes["href"] or "" for tag, attributes in self.tags if tag == "a" and "href" in attributes]

    def form(self, action: str) -> Form:
        """Return the form that goes somewhere."""
        return next(form for form in self.forms if form.action == action)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note a tag, and whether its content is ours."""
        given = dict(attributes)
        self.tags.append((tag, given))
        is_outside = self._is_outside or given.get("translate") == "no" or tag == "textarea"
        if not is_outside:
            self.own += [value for name, value in given.items() if name in _SPOKEN and value]
        if tag == "form":
            self.forms.append(Form(given.get("action") or "", given.get("method") or "get"))
        if tag == "input" and given.get("type") == "hidden" and self.forms:
            self.forms[-1].fields[given["name"] or ""] = given.get("value") or ""
        if tag not in _VOID:
            self._open.append((tag, is_outside))

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a tag; every one must be the end of the last that was opened."""
        if tag not in _VOID:
            opened, _ = self._open.pop()
            assert opened == tag, f"<{opened}> is ended by </{tag}>"

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if not data.strip() or (self._open and self._open[-1][0] in _UNSEEN):
            return
        self._seen.append(data)
        (self.outside if self._is_outside else self.own).append(data.strip())

    def reset(self) -> None:
        """Begin anew."""
        super().reset()
        self._seen: list[str] = []

    @property
    def _is_outside(self) -> bool:
        return bool(self._open) and self._open[-1][1]
