"""The texts that the pretend DingTalk makes up: message keys, tokens, request ids; the same again for the same seed."""

import base64
import random

KEY_BYTES = 32
FREE_PLACES = 42  # of the 44 characters, those that may be any of the 64


class IdMaker:
    """A source of made-up texts; not thread-safe, the world's lock guards it."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up texts, no secrets

    def message_key(self) -> str:
        """Return 44 characters of base64 that always hold `+`, `/` and `=`, which break a bare query."""
        raw = self._random.randbytes(KEY_BYTES)
        key = list(base64.b64encode(raw).decode())
        plus = raw[0] % FREE_PLACES
        slash = (plus + 1 + raw[1] % (FREE_PLACES - 1)) % FREE_PLACES
        key[plus], key[slash] = "+", "/"
        return "".join(key)

    def token(self) -> str:
        """Return an access token."""
        return self._random.randbytes(16).hex()

    def request_id(self) -> str:
        """Return a request id in the form that the gateway uses."""
        digits = self._random.randbytes(16).hex().upper()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
