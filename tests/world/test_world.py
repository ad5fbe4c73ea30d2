"""Random days on both databases: whatever goes wrong, everything that must hold does."""

from pathlib import Path

import pytest

from tests.databases import PostgreSQL
from tests.world.databases import Files, Makes, Servers
from tests.world.day import Day

# Any number of others: python -m tests.world --seeds N.
SQLITE_DAYS, POSTGRESQL_DAYS = 32, 8


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Files:
    return Files(tmp_path_factory.mktemp("days"), sqlite_template)


@pytest.fixture(scope="module")
def servers(postgresql: PostgreSQL) -> Servers:
    return Servers(postgresql)


def live(seed: int, databases: Makes, database: str) -> list[str]:
    """Live one day; return what happened, step by step."""
    with databases.fresh():
        day = Day(seed, databases)
        try:
            day.run()
        except AssertionError as error:
            replay = f"python -m tests.world --seed {seed} --database {database} -v"
            raise AssertionError(f"seed {seed}: {error}\n\nTo replay it: {replay}") from error
        return day.scene.journal.lines


@pytest.mark.parametrize("seed", range(1, SQLITE_DAYS + 1))
def test_a_random_day_on_sqlite_ends_well(seed: int, files: Files) -> None:
    live(seed, files, "sqlite")


@pytest.mark.parametrize("seed", range(1, POSTGRESQL_DAYS + 1))
def test_a_random_day_on_postgresql_ends_well(seed: int, servers: Servers) -> None:
    live(seed, servers, "postgresql")


@pytest.mark.parametrize("seed", [3, 4])
def test_a_seed_repeats_to_the_letter(seed: int, files: Files) -> None:
    assert live(seed, files, "sqlite") == live(seed, files, "sqlite")
