"""The dashboard and the alert rules: they parse, and every figure that they show exists."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from ledger import Ledger
from ledger.entrypoints.cli.root import app
from ledger.entrypoints.process.metrics import Metrics
from ledger.ops import NAMES, text_of
from ledger.simulator import ScriptedAnswer, World
from tests.sending import send

RULES = [rule for group in yaml.safe_load(text_of("alerts"))["groups"] for rule in group["rules"]]
PANELS = json.loads(text_of("dashboard"))["panels"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [target["expr"] for panel in PANELS for target in panel["targets"]]
# Of Prometheus itself, and added by it.
THEIRS = {"job", "instance", "le"}


@pytest.fixture
def exposed(book: Ledger, world: World) -> dict[str, set[str]]:
    """The names of all series after a day with everything in it, each with its labels."""
    metrics = Metrics(book.parts)
    generate_latest(metrics.registry)
    send(book, world, 2)
    world.script(ScriptedAnswer.error("invalid.processQueryKey", path="/v1.0/robot/otoMessages/batchRecall", times=3))
    book.run(book.plan(campaign="spring", reason="typo"))
    metrics.http.labels("GET", "/healthz", "200").observe(0.1)
    metrics.gateway.labels("answered").inc()
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    found: dict[str, set[str]] = {}
    for sample in (sample for family in families for sample in family.samples):
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


def labels_of(expression: str) -> Iterator[str]:
    """Yield the labels that an expression selects or groups by."""
    for inside in re.findall(r"\{([^}]*)\}", expression):
        yield from re.findall(r"(\w+)\s*[=!]~?", inside)
    for listed in re.findall(r"\b(?:by|without) \(([^)]*)\)", expression):
        yield from (name.strip() for name in listed.split(","))


def test_every_figure_that_is_shown_or_watched_exists_with_its_labels(exposed: dict[str, set[str]]) -> None:
    assert len(EXPRESSIONS) > 40
    for expression in EXPRESSIONS:
        names = set(re.findall(r"\b(?:ledger|process)_\w+", expression))
        assert names, expression
        assert names <= set(exposed), expression
        known = THEIRS.union(*(exposed[name] for name in names))
        assert set(labels_of(expression)) <= known, expression


def test_every_figure_of_ours_is_shown_or_watched(exposed: dict[str, set[str]]) -> None:
    text = " ".join(EXPRESSIONS)
    ours = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in exposed if name.startswith("ledger_")}
    assert {name for name in ours if name not in text} == set()


def test_every_rule_says_what_it_means_and_what_to_do() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_panels_have_names_and_places_of_their_own() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in PANELS)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_both_are_handed_out_by_the_command() -> None:
    for name in NAMES:
        ended = CliRunner().invoke(app, ["ops", name])
        assert (ended.exit_code, ended.stdout) == (0, text_of(name))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_promtool_takes_the_rules_and_the_expressions(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(text_of("alerts"), encoding="utf-8")
    shown = [target["expr"] for panel in PANELS for target in panel["targets"]]
    shown = [expr.replace("$__rate_interval", "1m").replace("$job", ".*") for expr in shown]
    rules = [{"record": f"shown_{number}", "expr": expr} for number, expr in enumerate(shown)]
    (tmp_path / "shown.yml").write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}), "utf-8")
    done = subprocess.run(
        ["promtool", "check", "rules", "alerts.yml", "shown.yml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_promtool_finds_nothing_to_say_about_the_metrics(book: Ledger) -> None:
    text = generate_latest(Metrics(book.parts).registry)
    ours = b"\n".join(line for line in text.splitlines() if b"ledger_" in line) + b"\n"
    done = subprocess.run(["promtool", "check", "metrics"], input=ours, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
