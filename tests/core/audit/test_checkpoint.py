"""A checkpoint: written in one form, signed, and read back only when it is whole."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ledger.core.audit.checkpoint import Checkpoint
from ledger.core.audit.signing import (
    is_signed_by,
    key_id,
    make_key,
    private_pem,
    public_pem,
    read_private_key,
    read_public_key,
    signed,
)
from tests.core.values import NOW

KEY = make_key()
PLAIN = Checkpoint(entries=7, head="a" * 64, root="b" * 64, at=NOW)
MADE = signed(PLAIN, KEY)


def test_what_is_written_is_read_back_the_same_and_in_one_line() -> None:
    assert Checkpoint.read(json.loads(MADE.to_line())) == MADE
    assert "\n" not in MADE.to_line()
    stamped = replace(MADE, timestamp={"response": "AA==", "authority": "http://tsa"})
    assert Checkpoint.read(json.loads(stamped.to_line())) == stamped


def test_the_form_that_is_signed_stays_what_it_was() -> None:
    assert PLAIN.signed_bytes() == (
        b'{"at":"2026-03-04T02:00:00Z","entries":7,"head":"'
        + b"a" * 64
        + b'","key":"","kind":"dingtalk-ledger checkpoint"'
        b',"root":"' + b"b" * 64 + b'","segment":1024,"version":1}'
    )


@pytest.mark.parametrize(
    "change", [{"entries": 8}, {"head": "c" * 64}, {"root": "c" * 64}, {"at": NOW + timedelta(seconds=1)}, {"key": "x"}]
)
def test_its_signature_is_over_everything(change: dict[str, Any]) -> None:
    assert is_signed_by(MADE, KEY.public_key())
    assert not is_signed_by(replace(MADE, **change), KEY.public_key())


def test_another_key_did_not_sign_it_nor_did_nobody() -> None:
    assert not is_signed_by(MADE, make_key().public_key())
    for text in ("", "no base64", "AA=="):
        assert not is_signed_by(replace(MADE, signature=text), KEY.public_key())


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"kind": "something else"},
        {**MADE.to_json(), "version": 2},
        {**MADE.to_json(), "segment": 512},
        {**MADE.to_json(), "entries": -1},
        {**MADE.to_json(), "entries": True},
        {**MADE.to_json(), "entries": "7"},
        {**MADE.to_json(), "head": "A" * 64},
        {**MADE.to_json(), "root": 5},
        {**MADE.to_json(), "at": 5},
        {**MADE.to_json(), "at": "yesterday"},
        {**MADE.to_json(), "at": "2026-03-01T10:00:00"},
        {name: value for name, value in MADE.to_json().items() if name != "signature"},
    ],
)
def test_what_is_no_whole_checkpoint_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match="checkpoint"):
        Checkpoint.read(document)


def test_keys_go_into_files_and_back() -> None:
    assert key_id(read_private_key(private_pem(KEY)).public_key()) == key_id(KEY.public_key()) == MADE.key
    assert is_signed_by(MADE, read_public_key(public_pem(KEY.public_key())))


@pytest.mark.parametrize("pem", [b"", b"no pem", public_pem(KEY.public_key())])
def test_what_is_no_private_key_is_refused(pem: bytes) -> None:
    with pytest.raises(ValueError, match="private key"):
        read_private_key(pem)


@pytest.mark.parametrize("pem", [b"", b"no pem", private_pem(KEY)])
def test_what_is_no_public_key_is_refused(pem: bytes) -> None:
    with pytest.raises(ValueError, match="public key"):
        read_public_key(pem)
