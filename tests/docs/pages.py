"""The pages of this repository, and what stands in them: blocks of code, links, headings, and what is named in code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SETTINGS = ROOT / "docs" / "settings.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))

# A remark above a block, which readers do not see, says who runs it, or why nobody does.
_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<remark>.*?) -->\n)?^ *```(?P<language>[a-z]+)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of code on a page; `line` is where its text begins, from 1."""

    page: Path
    line: int
    language: str
    text: str
    remark: str | None

    def __str__(self) -> str:
        """Name it as editors do."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def text_of(page: Path) -> str:
    """Return a page."""
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """Return a page without its blocks of code."""
    return _BLOCK.sub("", text_of(page))


def blocks(*languages: str, page: Path | None = None) -> list[Block]:
    """Return the blocks in some languages, or in all, of one page or of all."""
    return [
        block
        for each in (PAGES if page is None else (page,))
        for block in _blocks_of(each)
        if not languages or block.language in languages
    ]


def _blocks_of(page: Path) -> Iterator[Block]:
    text = text_of(page)
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("text")) + 1
        yield Block(page=page, line=line, **found.groupdict())


def block_with(*words: str, language: str = "bash") -> Block:
    """Return the one block of all pages that holds every word; it is an error when there is none, or a second one."""
    (found,) = (block for block in blocks(language) if all(word in block.text for word in words))
    return found


def headings(page: Path) -> list[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found]


def links(page: Path) -> list[str]:
    """Return where the links of a page lead."""
    return re.findall(r"\]\(([^)\s]+)\)", prose_of(page))
