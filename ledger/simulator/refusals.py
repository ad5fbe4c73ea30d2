"""Every error that the API documents, by code, and how one is written on the wire.

Source: the error tables of the robot and authorisation pages at open.dingtalk.com.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

STATUS_AND_MESSAGE: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "invalidParameter.robotCode": (400, "the organisation has no such robot"),
        "invalidParameter.robotCode.empty": (400, "robotCode is empty"),
        "invalidParameter.processQueryKeys.overMax": (400, "processQueryKeys holds more keys than one call may carry"),
        "invalidParameter.processQueryKey.missing": (400, "processQueryKey is missing"),
        "invalidParameter.param.invalid": (400, "a parameter is empty or invalid"),
        "invalidParameter.userIds.empty": (400, "userIds is empty"),
        "invalidParameter.userIds.overMax": (400, "userIds holds more users than one call may carry"),
        "invalidParameter.msgKey.empty": (400, "msgKey is missing"),
        "invalidParameter.msgParam.invalid": (400, "msgParam has to be JSON"),
        "not.allowed.robotCode": (400, "the robot may not touch a message that another robot sent"),
        "invalid.processQueryKey": (400, "processQueryKey is not valid"),
        "robot.processQueryKey.expired": (400, "processQueryKey has expired"),
        "notRevoke.all.messages": (400, "not all of the messages were recalled"),
        "processQueryKey.expireTime": (400, "processQueryKey has expired, or has no data yet"),
        "unknown.send.result": (400, "nobody knows yet what became of the message"),
        "invalidParameter.cursor.invalid": (400, "nextToken is none that was given"),
        "invalidParameter.pageSize.invalid": (400, "maxResults has to be 1 to 200"),
        "miss.openConversationId": (400, "openConversationId is missing"),
        "bot.stopped": (400, "the robot is stopped"),
        "template.stopped": (400, "the template is stopped"),
        "conversation.org.dismatch": (400, "the conversation is of another organisation"),
        "resource.not.found": (400, "there is no such message in the conversation"),
        "unauthorized": (400, "the robot may not see this message"),
        "auth.error": (400, "the app may not see this message"),
        "staffId.notExisted": (400, "a staffId does not exist"),
        "illegal.receivers": (400, "a receiver may not be written to"),
        "receivers.exceed": (400, "there are more receivers than one send may have"),
        "contain.unsafe.url": (400, "the message holds an address that is not safe"),
        "contain.notAllowed.content": (400, "the message holds what is not allowed"),
        "invalidParameter.msgParam.tooLong": (400, "msgParam is too long"),
        "robot.oto.notExist": (400, "the robot has no chats with people"),
        "chatbotId.notAllow.sendOTO": (400, "the robot may not write to people one by one"),
        "send.forbidden": (400, "the robot may not send"),
        "send.too.fast": (400, "the robot sends too fast"),
        "send.byToken.tooFast": (400, "the robot sends too fast with this token"),
        "too.many.people": (400, "the robot wrote to too many people"),
        "too.many.group": (400, "the robot wrote to too many groups"),
        "InvalidAuthentication": (400, "the access token is missing, wrong or has expired"),
        "invalidAccessToken": (400, "the access token is not valid"),
        "authFailed": (401, "the client id or the client secret is wrong"),
        "invalidClientIdOrSecret": (400, "the client id or the client secret is wrong"),
        "Forbidden.AccessDenied.AccessTokenPermissionDenied": (403, "the app lacks a permission that this API needs"),
        "Forbidden.AccessDenied.IpNotInWhiteList": (403, "the address is not on the app's list of allowed addresses"),
        "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi": (403, "the app calls this API too often in a second"),
        "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi": (403, "the app calls this API too often in a minute"),
        "Forbidden.AccessDenied.QpsLimitForApi": (403, "this API is called too often in a second"),
        "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi": (
            403,
            "the suite calls this API too often in a second for one organisation",
        ),
        "Forbidden.AccessDenied.ApiCountLimitForOrg": (403, "the organisation has used up its calls of this month"),
        "InvalidAction.NotFound": (404, "there is no such API: check the address and the method"),
        "system.busy": (429, "the system is busy, try again later"),
        "system.error": (500, "unknown error"),
        "ServiceUnavailable": (503, "the service cannot answer for the moment"),
    }
)

ROBOT_SCOPE = "qyapi_robot_sendmsg"


class Refusal(Exception):  # noqa: N818 - a refusal is an answer here, not a fault
    """The API says no; `detail` becomes `accessdenieddetail`."""

    def __init__(self, code: str, *, status: int | None = None, detail: Mapping[str, Any] | None = None) -> None:
        known_status, message = STATUS_AND_MESSAGE.get(code, (400, code))
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = known_status if status is None else status
        self.message = message
        self.detail = detail or usual_detail(code)

    def payload(self, request_id: str, *, capitalised: bool) -> dict[str, Any]:
        """Return the body of the answer, with the lower-case names of most pages or the capital ones of some."""
        names = ("Code", "Message", "RequestId") if capitalised else ("code", "message", "requestid")
        body: dict[str, Any] = dict(zip(names, (self.code, self.message, request_id), strict=True))
        if self.detail is not None:
            body["AccessDeniedDetail" if capitalised else "accessdenieddetail"] = dict(self.detail)
        return body


def usual_detail(code: str) -> Mapping[str, Any] | None:
    """Return what DingTalk adds to a refusal for want of a permission: the scopes to apply for."""
    if code == "Forbidden.AccessDenied.AccessTokenPermissionDenied":
        return {"requiredScopes": [ROBOT_SCOPE]}
    return None
