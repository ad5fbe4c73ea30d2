"""How a webhook is signed, so that its receiver knows who sent it: https://www.standardwebhooks.com (v1, HMAC)."""

import base64
import hmac
from datetime import datetime


def headers_of(secret: bytes, uid: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that go with a body; `at` is when it is sent, which the receiver compares with its clock."""
    seconds = str(int(at.timestamp()))
    signed = f"{uid}.{seconds}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    return {"webhook-id": uid, "webhook-timestamp": seconds, "webhook-signature": f"v1,{signature}"}
