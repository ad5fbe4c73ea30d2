"""The wheel: it carries the migrations, and works where there is no checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built with what is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


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
