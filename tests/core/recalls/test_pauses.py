"""Why a recall pauses, in words; the command that goes on stands at the end, and can be left out."""

import pytest

from ledger.core.recalls import pauses
from ledger.errors import LedgerError

EVERY = [
    pauses.quota_used_up("DingTalk said x"),
    pauses.address_not_allowed("x"),
    pauses.wrong_credentials("x"),
    pauses.permission_missing("x", "a scope"),
    pauses.wrong_endpoint(404, "x"),
    pauses.proxy_refuses("http://proxy", "x"),
    pauses.certificate_not_trusted("https://host", "x"),
    pauses.certificates_unreadable("SSL_CERT_FILE", "/a", "which is not there"),
    pauses.every_key_refused("x"),
]


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.code)
def test_a_pause_says_what_to_do_and_its_command_can_be_left_out(error: LedgerError) -> None:
    text = str(error)
    assert "`ledger resume`" in text
    left = pauses.without_next_step(text)
    assert "ledger resume" not in left
    assert text.startswith(left)
    assert left.rstrip(".") == left.rstrip()
    assert pauses.without_next_step(left) == left


def test_a_pause_by_hand_is_the_reason_that_was_given() -> None:
    assert pauses.without_next_step("looking into it: `ledger resume 3` goes on") == "looking into it"


def test_a_pause_names_the_setting_that_says_where_the_app_is_asked() -> None:
    error = pauses.wrong_endpoint(404, "x")
    assert "Check LEDGER_API_URL" in pauses.text_of(error)
    own = pauses.text_of(error, "mail", "api_url of [apps.mail] in the file of LEDGER_CONFIG")
    assert "LEDGER_API_URL" not in own
    assert "Check api_url of [apps.mail]" in own
