"""What comes along: bounds on both sides, nothing with a known hole, and a list of one version each, with digests."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PINNED = (ROOT / "requirements.txt").read_text("utf-8")
NEEDED = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
# The last version with a hole that its maintainers have told of.
WITH_HOLES = {
    "aiohttp": "3.14.2",  # reads past the end of what a server answers; request smuggling
    "certifi": "2024.7.3",  # trusts an authority that nobody should
    "cryptography": "49.0.0",  # an oracle in PKCS#7, OpenSSL with holes in its wheels
    "h11": "0.15.0",  # request smuggling
    "jinja2": "3.1.5",  # out of the sandbox
    "psycopg": "3.3.4",  # comes with a libpq that a hostile server can overrun
    "pydantic-settings": "2.14.1",  # follows links out of a folder of secrets
    "python-multipart": "0.0.30",  # takes very long for some forms
    "requests": "2.33.0",
    "pytest": "9.0.2",
    "starlette": "1.3.0",  # limits of forms that do not hold; another path by the Host header
}


OTHERS = (*PROJECT["project"]["optional-dependencies"].values(), PROJECT["build-system"]["requires"])
ALL = [*NEEDED, *(Requirement(text) for texts in OTHERS for text in texts)]


def pinned() -> dict[str, tuple[Requirement, int]]:
    """Return what the list pins, by name, with how many digests each has."""
    found: dict[str, tuple[Requirement, int]] = {}
    for block in re.split(r"\n(?=\w)", PINNED.replace("\\\n", " ")):
        text, *digests = re.split(r"\s+--hash=sha256:", block.strip())
        if not text.startswith("#"):
            requirement = Requirement(text)
            assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests), requirement.name
            found[canonicalize_name(requirement.name)] = requirement, len(digests)
    return found


@pytest.mark.parametrize("requirement", ALL, ids=str)
def test_every_requirement_has_a_bound_on_both_sides(requirement: Requirement) -> None:
    operators = {one.operator for one in requirement.specifier}
    assert {">=", "<"} <= operators


@pytest.mark.parametrize(("name", "version"), WITH_HOLES.items(), ids=lambda value: value)
def test_versions_with_known_holes_are_left_out(name: str, version: str) -> None:
    wanted = [one for one in ALL if canonicalize_name(one.name) == name]
    assert wanted
    assert not any(one.specifier.contains(version) for one in wanted)


@pytest.mark.parametrize("requirement", NEEDED, ids=str)
def test_the_list_has_one_version_of_each_that_fits(requirement: Requirement) -> None:
    found, digests = pinned()[canonicalize_name(requirement.name)]
    (exact,) = found.specifier
    assert exact.operator == "=="
    assert requirement.specifier.contains(Version(exact.version)), f"make the list anew: {found}"
    assert digests


def test_what_comes_along_with_extras_is_in_the_list_too() -> None:
    assert {"socksio", "psycopg-binary"} <= set(pinned())


def test_everything_in_the_list_has_digests_and_no_host_is_named() -> None:
    assert all(digests for _, digests in pinned().values())
    assert all("==" in str(requirement) for requirement, _ in pinned().values())
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted|^-", PINNED, re.MULTILINE)
