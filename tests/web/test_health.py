"""Health: the check-up says in the language of the page what it found, values and all."""

import pytest

from ledger.core.access.roles import Role
from tests.api.conftest import Service

from .reading import Page

SAID = {"en": "0 of the month's 5,000 calls used", "zh": "已用 0 次 共 5,000 次"}


@pytest.mark.parametrize("language", SAID)
def test_values_of_the_check_up_are_in_the_language_of_the_page(service: Service, language: str) -> None:
    with service.client(headers={"Accept": "text/html", "Accept-Language": language}, follow_redirects=True) as browser:
        browser.post("/sign-in", data={"token": service.token(Role.ADMIN)})
        form = Page(browser.get("/health").text).form("/health")
        page = Page(browser.post("/health", data=form.fields).text)
    assert SAID[language] in page.text
    (other,) = [said for name, said in SAID.items() if name != language]
    assert other not in page.text
    # What is to be done about a warning is said by the doctor alone, with its commands.
    assert "Recalls of the command line need none; the purge does" in page.text
