"""What the pages name exists: links, anchors, files, commands and settings; and the README stays short."""

import re
import tomllib
from pathlib import Path

import pytest

from ledger.settings import PREFIX, Settings

from .commands import ROOT_COMMAND
from .pages import PAGES, README, ROOT, SETTINGS, blocks, headings, links, text_of

LONGEST_README_LINES = 200
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_the_first_two_blocks_are_the_two_commands_of_a_newcomer_one_line_each() -> None:
    first, second, *_ = (block.text for block in blocks(page=README))
    assert [first, second] == [block.text for block in blocks("sh", page=README)]
    assert first.count("\n") == second.count("\n") == 1
    assert "ledger demo" in first
    assert "pytest" in second


def test_the_readme_can_be_read_in_one_go() -> None:
    assert text_of(README).count("\n") <= LONGEST_README_LINES


def test_the_readme_names_every_library_that_the_ledger_is_built_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.split(r"[\[<>=;]", wanted)[0].strip() for wanted in project["dependencies"]}
    built_on = text_of(README).split("## Built on", 1)[1].split("\n## ", 1)[0].lower()
    assert {name for name in names if name not in built_on} == set()


def test_every_page_is_reached_from_the_readme() -> None:
    reached, found = {README}, [README]
    while found:
        page = found.pop()
        there = {(page.parent / link.partition("#")[0]).resolve() for link in links(page) if ".md" in link}
        found += (new := there - reached)
        reached |= new
    assert set(PAGES) - reached == set()


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in headings(there), f"{page.name}: {link}"


@every_page
def test_every_heading_of_a_page_has_an_anchor_of_its_own(page: Path) -> None:
    found = headings(page)
    assert sorted(found) == sorted(set(found))


def test_every_setting_stands_in_the_table_and_no_other() -> None:
    rows = [line.split("|")[1] for line in text_of(SETTINGS).splitlines() if line.startswith("| `LEDGER_")]
    named = {name for row in rows for name in re.findall(r"`(LEDGER_[A-Z_]+)`", row)}
    settings = {PREFIX + name.upper() for name in Settings.model_fields if name != "apps"}
    assert named - {"LEDGER_CONFIG", "LEDGER_ACTOR", "LEDGER_TOKEN"} == settings


def test_pages_name_no_setting_that_the_table_does_not_have() -> None:
    in_table = set(re.findall(r"LEDGER_[A-Z_]+\b", text_of(SETTINGS)))
    elsewhere = {name for page in PAGES for name in re.findall(r"LEDGER_[A-Z_]*[A-Z]\b", text_of(page))}
    assert elsewhere - in_table == set()


def test_every_command_is_named_on_a_page_and_no_other() -> None:
    text = "\n".join(text_of(page) for page in PAGES if page.name not in ("CHANGELOG.md", "CONTRIBUTING.md"))
    named = set(re.findall(r"(?:`|^ *|bin/|&& )ledger ([a-z]+)", text, re.MULTILINE))
    assert named == set(ROOT_COMMAND.commands)
