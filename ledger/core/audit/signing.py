"""Ed25519: what signs checkpoints, and what says who signed them."""

import base64
import hashlib
from dataclasses import replace

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.core.audit.checkpoint import Checkpoint, signature_bytes

KEY_ID_CHARACTERS = 16
_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm)


def make_key() -> Ed25519PrivateKey:
    """Return a new private key."""
    return Ed25519PrivateKey.generate()


def read_private_key(pem: bytes) -> Ed25519PrivateKey:
    """Read a private key (PKCS #8, PEM, without a password); raise ValueError when it is none."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except _ERRORS:
        raise ValueError("it is no private key in PEM, or one with a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("it is a private key of another kind: `ledger audit keygen F` makes an Ed25519 one")
    return key


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Read a public key (PEM); raise ValueError when it is none."""
    try:
        key = serialization.load_pem_public_key(pem)
    except _ERRORS:
        raise ValueError("it is no public key in PEM: `ledger audit keygen F` writes it to F.pub") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("it is a public key of another kind: checkpoints are signed with Ed25519")
    return key


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """Return a private key as its file holds it."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as its file holds it."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form)


def key_id(key: Ed25519PublicKey) -> str:
    """Return the name of a key: the first digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:KEY_ID_CHARACTERS]


def signed(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> Checkpoint:
    """Return a checkpoint with the name of a key and its signature."""
    named = replace(checkpoint, key=key_id(key.public_key()))
    return replace(named, signature=base64.b64encode(key.sign(named.signed_bytes())).decode())


def is_signed_by(checkpoint: Checkpoint, key: Ed25519PublicKey) -> bool:
    """Say whether a checkpoint has the signature of a key."""
    try:
        key.verify(signature_bytes(checkpoint), checkpoint.signed_bytes())
    except InvalidSignature:
        return False
    return True
