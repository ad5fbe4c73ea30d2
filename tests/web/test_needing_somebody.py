"""What waits for somebody names what it is on, and what has to be granted, on *Now* and on the page of the recall."""

import pytest

from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.core.corrections.correction_text import CorrectionText
from ledger.services.recalls.planning.run_in import RunIn
from ledger.simulator import ScriptedAnswer, World
from tests.api.conftest import ServeLedger, Service
from tests.sending import send

from .lively import LONG, Lively, furnish
from .reading import Page
from .test_pages import looking

# A recall by the state in which it waits, and what it is on.
ON = {
    "waiting": {"en": f"26 messages of {LONG} from 509 people", "zh-CN": f"“{LONG}”的 26 条消息，涉及 509 人"},
    "to_review": {"en": "700 messages of soon from 700 people", "zh-CN": "“soon”的 700 条消息，涉及 700 人"},
    "paused": {"en": "12 messages of paused from 12 people", "zh-CN": "“paused”的 12 条消息，涉及 12 人"},
    "denied": {"en": "12 messages of denied from 12 people", "zh-CN": "“denied”的 12 条消息，涉及 12 人"},
    "running": {"en": "12 messages of running from 12 people", "zh-CN": "“running”的 12 条消息，涉及 12 人"},
    "scheduled": {"en": "12 messages of scheduled from 12 people", "zh-CN": "“scheduled”的 12 条消息，涉及 12 人"},
}


@pytest.fixture
def desk(serve_ledger: ServeLedger) -> Service:
    return serve_ledger(approval_recipients=300, calls_per_second=1000)


@pytest.fixture
def lively(desk: Service, world: World, clock: FakeClock) -> Lively:
    world.change(calls_per_second=None)
    return furnish(desk.book, world, clock)


def squeezed(page: str) -> str:
    """Return what is seen of a page, without blanks: names from outside stand apart."""
    return Page(page).text.replace(" ", "")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_line_of_what_waits_names_what_it_is_on(desk: Service, lively: Lively, language: str) -> None:
    with looking(desk, Role.ADMIN, language) as browser:
        text = squeezed(browser.get("/").text)
    number = {"en": "Recall {}", "zh-CN": "撤回任务 {}"}[language]
    for state, on in ON.items():
        line = text.partition(number.format(getattr(lively, state)).replace(" ", ""))[2]
        assert 0 <= line.find(on[language].replace(" ", "")) < 40, state


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_beside_what_can_be_recalled_stands_what_recalls_are_at_already(
    desk: Service, lively: Lively, language: str
) -> None:
    with looking(desk, Role.ADMIN, language) as browser:
        text = squeezed(browser.get("/").text)
    assert lively.running
    taken = {
        "en": "96 messages can be recalled of which 36 are being recalled",
        "zh-CN": "96条消息可以撤回其中36条正在撤回",
    }
    assert taken[language].replace(" ", "") in text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_what_robots_of_no_app_sent_is_named_beside_what_can_be_recalled(
    serve_ledger: ServeLedger, world: World, language: str
) -> None:
    apps = {"mail": {"app_key": "dingapp", "app_secret": "a-long-secret", "robots": ["robot-1"]}}
    service = serve_ledger(apps=apps, app_key=None, app_secret=None)
    send(service.book, world, 2)
    send(service.book, world, 3, campaign="strange", robot="nobody-knows")
    with looking(service, Role.ADMIN, language) as browser:
        text = squeezed(browser.get("/").text)
    assert {"en": "3ofrobotsofnoapp", "zh-CN": "其中3条的机器人不属于任何应用"}[language] in text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_correction_that_waits_names_what_it_corrects_and_how_many_get_it(
    desk: Service, lively: Lively, language: str
) -> None:
    book = desk.book
    text = CorrectionText(msg_key="sampleText", msg_param='{"content": "the right week"}')
    plan = book.parts.correction_planner.plan(lively.finished, text, reason="the right week", actor="li.na")
    book.parts.corrections.run(plan.correction_id, actor="li.na", run_in=RunIn.ANY_WORKER)
    book.parts.corrections.pause(plan.correction_id, actor="li.na", why="looking into it")
    with looking(desk, Role.ADMIN, language) as browser:
        said = squeezed(browser.get("/").text)
    goes_to = {
        "en": "12 messages of on-call roster from 12 people goes to 12 people",
        "zh-CN": "“on-call roster”的 12 条消息，涉及 12 人 发给 12 人",
    }
    assert goes_to[language].replace(" ", "") in said


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_missing_permission_is_named_with_its_app_and_the_words_of_dingtalk(
    serve_ledger: ServeLedger, world: World, language: str
) -> None:
    service = serve_ledger()
    send(service.book, world, 2)
    body = {
        "code": "Forbidden.AccessDenied.AccessTokenPermissionDenied",
        "message": "no",
        "accessdenieddetail": {"requiredScopes": ["qyapi_<other>"]},
    }
    world.script(ScriptedAnswer(status=403, body=body, path="/v1.0/robot/otoMessages/batchRecall"))
    result = service.book.run(service.book.plan(campaign="spring", reason="wrong link"))
    assert result.error is not None
    assert result.error["scopes"] == "qyapi_<other>"
    with looking(service, Role.AUDITOR, language) as browser:
        pages = [Page(browser.get(path).text) for path in ("/", f"/recalls/{result.recall_id}")]
    says = {"en": "Grant qyapi_<other> in the developer console", "zh-CN": "开通权限 qyapi_<other> ，再点击“继续”"}
    for page in pages:
        assert says[language] in page.text
        assert "AccessTokenPermissionDenied" in "".join(page.outside)
