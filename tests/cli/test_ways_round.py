"""Ways round the second person, one test each: every one of them ends with one person, and one is not enough.

What is counted together, and how, is in tests/services/recalls/approving/test_reach.py.
"""

from collections.abc import Iterator

import pytest

from ledger import Ledger
from ledger.core.access.roles import Role
from ledger.core.recalls.recall import Status
from ledger.errors import ApprovalNeededError, ForbiddenError, InputError, LedgerError, UnauthenticatedError
from ledger.simulator import FailedReason, Simulator, World
from tests.api.conftest import Service, serving
from tests.conftest import MakeLedger
from tests.sending import send

from .conftest import Shell

RECALL = ("recall", "--reason", "typo", "--yes", "--json")


@pytest.fixture
def careful(make_ledger: MakeLedger) -> Ledger:
    """A ledger in which more than three people, or messages, are too many for one person."""
    return make_ledger(approval_recipients=3)


@pytest.fixture
def strict(make_ledger: MakeLedger) -> Ledger:
    """A ledger in which that is set in the database, and nowhere else."""
    book = make_ledger()
    book.parts.policies.put("approval-recipients", "3", actor="boss")
    return book


@pytest.fixture
def service(careful: Ledger) -> Iterator[Service]:
    """The first one, served."""
    with serving(careful) as running:
        yield running


@pytest.fixture
def strict_shell(shell: Shell, simulator: Simulator) -> Shell:
    """The command where that is set in the database, with messages of two campaigns and tokens of two people."""
    assert shell("policy", "set", "approval-recipients", "3", "--actor", "boss").code == 0
    shell.send(simulator, 4, campaign="large")
    for name in ("a", "b", "c", "d"):
        shell.send(simulator, 1, campaign=name)
    return shell


def token(shell: Shell, name: str, role: str = "operator", *more: str) -> str:
    secret: str = shell("token", "create", "--name", name, "--role", role, "--json", *more).json["secret"]
    return secret


def waits(book: Ledger, keys: list[str], actor: str = "wang") -> int:
    """Return a recall that waits for a second person."""
    plan = book.plan(keys=keys, reason="x", actor=actor)
    with pytest.raises(ApprovalNeededError):
        book.run(plan, actor=actor)
    return plan.recall_id


@pytest.mark.parametrize(
    "name", ["WANG", "ｗａｎｇ", "wаng", "ԝаnɡ", "wa\u200bng", "wang\u3164", " wang ", "wa\u00adng"]
)
def test_to_agree_under_another_spelling_of_ones_name(careful: Ledger, world: World, name: str) -> None:
    recall_id = waits(careful, send(careful, world, 4))
    with pytest.raises(ForbiddenError, match="is the same"):
        careful.approve(recall_id, actor=name)
    assert careful.result(recall_id).status is Status.PLANNED


@pytest.mark.parametrize("name", ["worker", "the ledger", "Wоrker", "\u200b"])
def test_to_agree_under_a_name_of_nobody(careful: Ledger, world: World, name: str) -> None:
    recall_id = waits(careful, send(careful, world, 4))
    with pytest.raises(InputError):
        careful.approve(recall_id, actor=name)
    with pytest.raises(InputError):
        careful.parts.service_tokens.create(name, Role.OPERATOR, actor="boss")


def test_to_agree_with_another_token_of_ones_own(service: Service, world: World) -> None:
    send(service.book, world, 4)
    tokens = service.book.parts.service_tokens
    one, other = (tokens.create(name, Role.ADMIN, owner="wang", actor="boss").secret for name in ("desk", "phone"))
    with service.client(one) as desk, service.client(other) as phone:
        recall_id = desk.post("/v1/recalls", json={"campaign": "spring", "reason": "x"}).json()["recall_id"]
        assert desk.post(f"/v1/recalls/{recall_id}/run").json()["status"] == "planned"
        assert phone.post(f"/v1/recalls/{recall_id}/approve").status_code == 403


def test_to_agree_under_ones_own_name_to_what_ones_token_asked_for(service: Service, world: World) -> None:
    send(service.book, world, 4)
    made = service.book.parts.service_tokens.create("desk", Role.OPERATOR, owner="wang", actor="boss")
    with service.client(made.secret) as desk:
        recall_id = desk.post("/v1/recalls", json={"campaign": "spring", "reason": "x"}).json()["recall_id"]
        desk.post(f"/v1/recalls/{recall_id}/run")
    with pytest.raises(ForbiddenError, match="is the same"):
        service.book.approve(recall_id, actor="wang")


def test_to_recall_as_who_may_only_agree(service: Service, world: World) -> None:
    send(service.book, world, 1)
    with service.signed_up(Role.APPROVER) as approver:
        asked = {"campaign": "spring", "reason": "x"}
        assert approver.post("/v1/recalls", json=asked).status_code == 403


def test_to_go_in_parts(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 4)
    for key in keys[:3]:
        careful.run(careful.plan(keys=[key], reason="x", actor="wang"))
    waits(careful, keys[3:])


def test_to_go_in_parts_under_the_names_of_others(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 4)
    for actor, key in zip(("wang", "zhao", "sun"), keys, strict=False):
        careful.run(careful.plan(keys=[key], reason="x", actor=actor))
    waits(careful, keys[3:], actor="qian")


def test_to_go_from_campaign_to_campaign(careful: Ledger, world: World) -> None:
    for name in ("a", "b", "c"):
        careful.run(careful.plan(keys=send(careful, world, 1, campaign=name), reason="x", actor="wang"))
    waits(careful, send(careful, world, 1, campaign="d"))


def test_to_let_what_others_started_ask_again(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 3, campaign="a")
    world.change(failed_reasons={key: FailedReason(reason="no") for key in keys})
    first = careful.run(careful.plan(keys=keys, reason="x", actor="zhao"), actor="zhao")
    careful.run(careful.plan(keys=send(careful, world, 1, campaign="b"), reason="x", actor="wang"))
    with pytest.raises(LedgerError) as refused:
        careful.retry(first.recall_id, actor="wang")
    assert refused.value.code == "retry_too_large"


def test_to_have_it_recalled_as_it_arrives(careful: Ledger, world: World) -> None:
    send(careful, world, 1)
    plan = careful.plan(campaign="spring", reason="x", actor="wang")
    careful.parts.sticky.stick(plan.recall_id, 3600, actor="wang")
    careful.run(plan)
    for _ in range(2):
        send(careful, world, 4)
        careful.parts.worker().follow_sticky()
    follower = careful.recalls()[0]
    assert (follower.status, follower.follows) == (Status.PLANNED, plan.recall_id)
    assert [one.status for one in careful.recalls()].count(Status.PLANNED) == 1


def test_another_environment_variable(strict_shell: Shell) -> None:
    for value in ("1000000", ""):
        strict_shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = value
        strict_shell.variables["LEDGER_TOKEN"] = token(
            strict_shell, f"wang-{len(value)}", "operator", "--owner", "wang"
        )
        ended = strict_shell(*RECALL, "--campaign", "large")
        assert (ended.code, ended.json["error"]["code"]) == (10, "approval_needed")


def test_a_policy_that_is_looser_than_the_settings(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(approval_recipients=3)
    book.parts.policies.put("approval-recipients", "1000", actor="wang")
    book.parts.policies.put("approval-recipients", "off", actor="wang")
    waits(book, send(book, world, 4))


def test_to_agree_with_another_actor(strict_shell: Shell) -> None:
    wang = token(strict_shell, "wang")
    strict_shell.variables["LEDGER_TOKEN"] = wang
    assert strict_shell(*RECALL, "--campaign", "large").code == 10
    assert "is the same" in strict_shell("approve", "1").err
    # Nobody can be two with one token.
    assert "leave one of them out" in strict_shell("approve", "1", "--actor", "li").err
    del strict_shell.variables["LEDGER_TOKEN"]
    for command in (("approve", "1"), ("refuse", "1", "--reason", "x")):
        ended = strict_shell(*command, "--actor", "li")
        assert (ended.code, "takes a token of the service" in ended.err) == (2, True), ended
    strict_shell.variables["LEDGER_ACTOR"] = "li"
    assert strict_shell("approve", "1").code == 2
    assert strict_shell("show", "1", "--json").json["status"] == "planned"


def test_to_agree_with_another_actor_where_only_the_settings_ask(shell: Shell, simulator: Simulator) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "3"
    shell.send(simulator, 4, campaign="large")
    assert shell(*RECALL, "--campaign", "large", "--actor", "wang").code == 10
    li = token(shell, "li", "approver")
    # From now on a name proves nothing any more.
    assert "takes a token of the service" in shell("approve", "1", "--actor", "li").err
    (shell.folder / "token").write_text(li + "\n", encoding="utf-8")
    done = shell("approve", "1", "--token-file", str(shell.folder / "token"), "--json")
    assert (done.code, done.json["approval"]["approved_by"]) == (0, "li")


def test_to_revoke_every_token_and_agree_with_another_actor(shell: Shell, simulator: Simulator) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "3"
    shell.send(simulator, 4, campaign="large")
    assert shell(*RECALL, "--campaign", "large", "--actor", "wang").code == 10
    token(shell, "li", "approver")
    assert shell("token", "revoke", "--name", "li").code == 0
    assert "takes a token of the service" in shell("approve", "1", "--actor", "li").err


def test_to_ask_as_another_actor_and_agree_as_oneself(strict_shell: Shell) -> None:
    wang = token(strict_shell, "wang")
    ended = strict_shell(*RECALL, "--campaign", "large", "--actor", "bob")
    assert (ended.code, "takes a token of the service" in ended.err) == (2, True)
    strict_shell.variables["LEDGER_TOKEN"] = wang
    assert strict_shell("approve", "1").code == 2
    assert strict_shell("show", "1", "--json").json["approval"]["requested_by"] is None


def test_to_go_in_parts_as_another_actor_each_time(strict_shell: Shell) -> None:
    for name in ("a", "b", "c"):
        assert strict_shell(*RECALL, "--campaign", name, "--actor", f"somebody-{name}").code == 0
    ended = strict_shell(*RECALL, "--campaign", "d", "--actor", "somebody-d")
    assert (ended.code, "takes a token of the service" in ended.err) == (2, True)


@pytest.mark.parametrize("first", ["with it", "without it"])
def test_to_leave_ones_token_at_home_for_a_part(strict_shell: Shell, first: str) -> None:
    parts = {"LEDGER_TOKEN": token(strict_shell, "wang"), "LEDGER_ACTOR": "somebody"}
    mine, other = parts if first == "with it" else reversed(parts)
    strict_shell.variables[mine] = parts[mine]
    for name in ("a", "b"):
        assert strict_shell(*RECALL, "--campaign", name).code == 0
    del strict_shell.variables[mine]
    strict_shell.variables[other] = parts[other]
    assert strict_shell(*RECALL, "--campaign", "c").code == 0
    ended = strict_shell(*RECALL, "--campaign", "d")
    assert (ended.code, "together" in ended.err or "takes a token" in ended.err) == (
        10 if other == "LEDGER_TOKEN" else 2,
        True,
    )


def test_a_program_with_settings_of_its_own(strict: Ledger, make_ledger: MakeLedger, world: World) -> None:
    keys = send(strict, world, 4)
    own = make_ledger(approval_recipients=None)
    plan = own.plan(keys=keys, reason="x", actor="wang")
    assert plan.approval is not None
    with pytest.raises(UnauthenticatedError, match="takes a token"):
        own.run(plan)
    wang, li = (own.parts.service_tokens.create(name, Role.OPERATOR, actor="boss").secret for name in ("wang", "li"))
    with pytest.raises(ApprovalNeededError):
        own.run(plan, token=wang)
    with pytest.raises(UnauthenticatedError):
        own.approve(plan.recall_id, actor="li")
    assert own.approve(plan.recall_id, token=li).recalled == 4
    assert own.verify().ok


def test_to_have_it_recalled_as_it_arrives_for_a_mere_name(strict: Ledger, world: World) -> None:
    send(strict, world, 1)
    plan = strict.plan(campaign="spring", reason="x", actor="bob")
    strict.parts.sticky.stick(plan.recall_id, 3600, actor="bob")
    strict.run(plan)
    send(strict, world, 4)
    for _ in range(3):
        strict.parts.worker().follow_sticky()
    assert [(one.status, one.approval) for one in strict.recalls(statuses=[Status.PLANNED])] == [(Status.PLANNED, None)]
    assert strict.result(plan.recall_id).sticky_until is None


@pytest.mark.parametrize("name", ["wang", "WANG", "wаng", "desk"])
def test_to_review_what_one_has_started_without_anybody(careful: Ledger, world: World, name: str) -> None:
    careful.parts.service_tokens.create("desk", Role.OPERATOR, owner="wang", actor="boss")
    plan = careful.plan(keys=send(careful, world, 4), reason="x", actor="wang")
    careful.run(plan, break_glass="nobody answers")
    with pytest.raises(ForbiddenError, match="is the same"):
        careful.review(plan.recall_id, reason="fine", actor=name)
    with pytest.raises(UnauthenticatedError):
        careful.review(plan.recall_id, reason="fine", actor="li")
    broken = careful.result(plan.recall_id).break_glass
    assert broken is not None
    assert broken.is_open


def test_to_break_the_glass_under_another_name_and_review_it_as_oneself(strict_shell: Shell) -> None:
    ended = strict_shell(*RECALL, "--campaign", "large", "--break-glass", "--actor", "bob")
    assert (ended.code, "takes a token of the service" in ended.err) == (2, True)
    assert strict_shell("show", "1", "--json").json["status"] == "planned"


def test_to_break_the_glass_once_and_go_on_without_it(careful: Ledger, world: World) -> None:
    plan = careful.plan(keys=send(careful, world, 4), reason="x", actor="wang")
    assert careful.run(plan, break_glass="nobody answers").recalled == 4
    waits(careful, send(careful, world, 1, campaign="another"))
    careful.review(plan.recall_id, reason="fine", actor="li")
    # What another person looked at counts no more.
    key = send(careful, world, 1, campaign="another")
    assert careful.run(careful.plan(keys=key, reason="x", actor="wang")).recalled == 1
    assert careful.verify().ok
