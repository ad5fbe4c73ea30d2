"""What `ledger run` keeps out of a sender's environment: all that is secret, and nothing else."""

import json

import pytest

from ledger.entrypoints.cli.own_secrets import secrets_of, without_secrets
from ledger.settings import PREFIX, AppSettings, Settings

SECRET = "51c0ffee"


def test_secrets_of_ours_are_left_out_and_what_is_the_senders_own_stays() -> None:
    theirs = {"PATH": "/bin", "APP_SECRET": SECRET, "LEDGER_CAMPAIGN": "spring", "LEDGER_APP_KEY": "ding", "EMPTY": ""}
    ours = {
        "LEDGER_APP_SECRET": SECRET,
        "LEDGER_GATEWAY_KEY": SECRET,
        "LEDGER_TOKEN": SECRET,
        "ledger_app_secret": SECRET,
    }
    assert without_secrets({**theirs, **ours}) == theirs


@pytest.mark.parametrize("kind", [Settings, AppSettings])
def test_whatever_is_never_shown_counts_as_secret(kind: type[Settings | AppSettings]) -> None:
    names = secrets_of(kind)
    assert "app_secret" in names
    hints = ("secret", "ticket", "password", "gateway_key", "webhook")
    looks_secret = {name for name in kind.model_fields if any(hint in name for hint in hints)}
    assert looks_secret - names <= {"suite_ticket_file"}
    assert "app_key" not in names


@pytest.mark.parametrize(
    ("url", "left"),
    [
        (f"postgresql://ledger:{SECRET}@db/ledger", "postgresql://ledger@db/ledger"),
        (f"postgresql://ledger:{SECRET}@[::1]:5433/ledger?connect_timeout=3", None),
        (f"postgresql://db/ledger?user=l&password={SECRET}", "postgresql://db/ledger?user=l"),
        (f"postgresql://db/ledger?password={SECRET}", "postgresql://db/ledger"),
        (f"postgresql://db/ledger?sslpassword={SECRET}&sslmode=require", "postgresql://db/ledger?sslmode=require"),
        (f"postgresql://db/ledger?pass%77ord={SECRET}", "postgresql://db/ledger"),
        (f"  postgres://l:{SECRET}%40x@db/ledger ", "postgres://l@db/ledger"),
        (f"postgresql://u:a@{SECRET}@db/ledger", ""),
        ("postgresql://db/ledger", "postgresql://db/ledger"),
        ("postgresql://l@/ledger?host=/run/postgresql", "postgresql://l@/ledger?host=/run/postgresql"),
        ("sqlite:////var/lib/ledger@home.sqlite", "sqlite:////var/lib/ledger@home.sqlite"),
        ("", ""),
    ],
)
def test_of_a_database_only_the_password_goes(url: str, left: str | None) -> None:
    found = without_secrets({"LEDGER_DATABASE_URL": url})["LEDGER_DATABASE_URL"]
    assert SECRET not in found
    assert found == (left if left is not None else "postgresql://ledger@[::1]:5433/ledger?connect_timeout=3")


def test_of_apps_only_what_is_secret_goes() -> None:
    app = {"robots": ["r"], "app_key": "ding", "app_secret": SECRET, "suite_ticket": SECRET}
    found = without_secrets({f"{PREFIX}APPS": json.dumps({"mail": app}), "ledger_apps": ""})
    assert json.loads(found["LEDGER_APPS"]) == {"mail": {"robots": ["r"], "app_key": "ding"}}
    assert found["ledger_apps"] == ""
