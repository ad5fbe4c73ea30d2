"""What is handed out: the wheel works where there is no checkout, and the source archive holds all of it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.docs.pages import PAGES

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built with what is installed."""
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def build(kind: str, folder: Path) -> Path:
    """Build a `wheel` or an `sdist` of this project."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.iterdir()
    return built


def test_the_source_archive_holds_the_pages_the_tests_and_what_builds_the_wheel(tmp_path: Path) -> None:
    archive = build("sdist", tmp_path)
    listed = subprocess.run(["tar", "--list", "--file", archive], capture_output=True, text=True, check=True).stdout
    names = {name.partition("/")[2] for name in listed.splitlines()}
    pages = {str(page.relative_to(ROOT)) for page in PAGES}
    assert pages | {"LICENSE", "alembic.ini", "pyproject.toml", "migrations/env.py", "tests/conftest.py"} <= names


def test_the_wheel_holds_the_package_its_migrations_and_what_pages_are_made_of_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "ledger/py.typed" in names
    assert "ledger/migrations/env.py" in names
    assert {"ledger/ops/dashboard.json", "ledger/ops/alerts.yml"} <= set(names)
    assert any(name.startswith("ledger/migrations/versions/0001") for name in names)
    assert not [name for name in names if name.startswith("tests/")]
    for folder, ending in (("languages", "toml"), ("templates", "html"), ("static", "css"), ("static", "js")):
        there = {path.name for path in (ROOT / "ledger/entrypoints/web" / folder).glob(f"*.{ending}")}
        carried = {Path(name).name for name in names if name.startswith(f"ledger/entrypoints/web/{folder}/")}
        assert there
        assert there <= carried


def test_an_installed_package_creates_and_upgrades_its_database(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    environment["LEDGER_DATABASE_URL"] = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    where = "import ledger; print(ledger.__file__)"
    for command, says in (
        ([sys.executable, "-c", where], str(tmp_path / "site")),
        ([sys.executable, "-m", "ledger", "db", "upgrade"], ""),
        ([sys.executable, "-m", "ledger", "campaigns", "--json"], "[]"),
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        assert says in done.stdout
