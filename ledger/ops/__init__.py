"""For those who run the ledger: a dashboard for Grafana, alert rules for Prometheus; `ledger ops` hands them out."""

from importlib.resources import files

NAMES = {"dashboard": "dashboard.json", "alerts": "alerts.yml"}


def text_of(name: str) -> str:
    """Return the text of one of the files."""
    return files(__name__).joinpath(NAMES[name]).read_text(encoding="utf-8")
