"""Why a recall pauses, in words; the command that goes on stands at the end, and can be left out."""

import re

import pytest

from ledger.core.recalls import pauses
from ledger.core.recalls.pause_texts import ANYBODY, TEXTS, Cause, cause_of, whole_in, wrong_in
from ledger.errors import LedgerError, PausedError

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


# Every error that pauses something, by its cause, with what it names.
BY_CAUSE = {
    Cause.CREDENTIALS: pauses.wrong_credentials("x"),
    Cause.PERMISSION: pauses.permission_missing("x", "a scope"),
    Cause.ADDRESS_NOT_ALLOWED: pauses.address_not_allowed("x"),
    Cause.QUOTA_USED_UP: pauses.quota_used_up("x"),
    Cause.PROXY: pauses.proxy_refuses("http://proxy", "x"),
    Cause.CERTIFICATE: pauses.certificate_not_trusted("https://host", "x"),
    Cause.WRONG_ENDPOINT: pauses.wrong_endpoint(404, "x"),
    Cause.EVERY_KEY_REFUSED: pauses.every_key_refused("x"),
    Cause.TEXT_REFUSED: pauses.text_refused("x"),
    Cause.ROBOT_REFUSED: pauses.robot_refused("x"),
    Cause.SEND_REFUSED: pauses.send_refused("x"),
    Cause.NOT_REACHED: pauses.not_reached("x"),
}
BY_HAND_OR_TIME = {Cause.INTERRUPTED, Cause.SCHEDULE_MISSED, Cause.OTHER}


def test_every_cause_has_an_error_or_is_somebodys_doing() -> None:
    assert set(BY_CAUSE) | BY_HAND_OR_TIME == set(Cause)


@pytest.mark.parametrize("cause", BY_CAUSE)
def test_what_the_command_says_of_a_pause_is_what_pages_and_notices_say_of_it(cause: Cause) -> None:
    error = BY_CAUSE[cause]
    facts = pauses.facts_of(error)
    assert cause_of(facts) is cause
    named = {name: re.escape(text) for name, text in ANYBODY.items()} | dict.fromkeys(
        ("credentials", "scopes", "proxy", "endpoint", "setting"), ".+"
    )
    assert re.match(TEXTS["en"][cause].wrong.format_map(named), facts["message"])
    page = whole_in(cause, "en")
    assert page.lower().startswith(wrong_in(cause, "en").lower())
    assert "`" not in page, "a page has buttons, no commands"
    if TEXTS["en"][cause].resumes:
        assert facts["message"].endswith(", then `ledger resume`")
        assert page.endswith(", then resume.")


@pytest.mark.parametrize("cause", Cause)
def test_each_language_says_of_each_cause_what_is_wrong_and_whether_it_can_go_on(cause: Cause) -> None:
    english, chinese = (texts[cause] for texts in TEXTS.values())
    assert (bool(english.fix), english.resumes) == (bool(chinese.fix), chinese.resumes)
    assert chinese.wrong != english.wrong
    assert whole_in(cause, "zh").endswith("。")


def test_what_an_older_version_kept_of_a_pause_has_a_cause_too() -> None:
    assert cause_of({"code": "permission", "message": "x"}) is Cause.PERMISSION
    assert cause_of({"code": "paused", "message": "x"}) is Cause.OTHER
    assert cause_of({"code": "of a later version"}) is Cause.OTHER
    assert cause_of(pauses.facts_of(PausedError("x"))) is Cause.OTHER
