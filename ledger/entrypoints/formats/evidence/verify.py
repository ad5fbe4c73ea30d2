"""Check this folder of evidence with Python alone (3.9 or later): python3 verify.py [--public-key FILE]

It needs no network and no other package, and changes nothing. It ends with 0 when everything fits, else with 1.

What it checks: that each file is as it was handed out, and which were not; that each entry has the digest of its
content; that each stands in the tree whose root the checkpoint names (RFC 6962); that the key signed the checkpoint
(Ed25519, RFC 8032); and that what the lists say of each outcome, and of who recalled, why and with whom, follows from
the entries. Whose key it is, it cannot know: compare the key's name with the one that you were given on another way, or
name your own copy of it.
"""

import argparse
import base64
import csv
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# Ed25519: the field, the order of the base point, the curve.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
DER_OF_PUBLIC_KEYS = bytes.fromhex("302a300506032b6570032100")

# Which columns of a recall an entry says, and where: in a value of its own, or in its detail.
_SAID_BY = {
    "planned": {"reason": "reason", "actor": "actor", "planned_at": "at"},
    "approved": {"approved_by": "actor"},
    "break_glass": {"break_glass_by": "actor", "break_glass_reason": "reason"},
    "reviewed": {"reviewed_by": "actor", "review": "reason"},
}
_UNSAID = {"approved_by", "break_glass_by", "reviewed_by"}

Point = tuple[int, int, int, int]


def canonical(value: object) -> bytes:
    """Return JSON in the one form that is hashed and signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def digest_of(entry: dict[str, Any]) -> str:
    """Return the digest that an entry has to have."""
    content = [entry[name] for name in ("previous", "at", "event", "actor", "recall_id", "detail")]
    return hashlib.sha256(canonical(content)).hexdigest()


def root_by_path(digest: str, place: int, size: int, path: list[str]) -> "str | None":
    """Return the root to which a path leads (RFC 9162, 2.1.3.2)."""
    if not 0 <= place < size:
        return None
    last = size - 1
    found = hashlib.sha256(b"\x00" + digest.encode("utf-8", "surrogatepass")).digest()
    for node in map(bytes.fromhex, path):
        if last == 0:
            return None
        if place % 2 or place == last:
            found = hashlib.sha256(b"\x01" + node + found).digest()
            while place % 2 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + node).digest()
        place, last = place >> 1, last >> 1
    return found.hex() if last == 0 else None


def _add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(number: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _add(result, point)
        point, number = _add(point, point), number >> 1
    return result


def _is_same(one: Point, other: Point) -> bool:
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (one[1] * other[2] - other[1] * one[2]) % P == 0


def _point(data: bytes) -> "Point | None":
    """Return the point that 32 bytes stand for (RFC 8032, 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    x_squared = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x_squared, (P + 3) // 8, P)
    if (x * x - x_squared) % P:
        x = x * SQRT_OF_MINUS_1 % P
    if (x * x - x_squared) % P or (x == 0 and sign):
        return None
    x = P - x if (x & 1) != sign else x
    return x, y, 1, x * y % P


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether a key signed a message (Ed25519, RFC 8032, 5.1.7)."""
    if len(public) != 32 or len(signature) != 64 or BASE is None:
        return False
    key, commitment, scalar = _point(public), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return _is_same(_times(scalar, BASE), _add(commitment, _times(challenge, key)))


def public_key(pem: str) -> bytes:
    """Return the 32 bytes of a public key in PEM; raise ValueError when it is no Ed25519 key."""
    lines = [line for line in pem.split() if line.isascii() and not line.startswith("-")]
    der = base64.b64decode("".join(line for line in lines if line not in ("PUBLIC", "KEY-----")))
    if not der.startswith(DER_OF_PUBLIC_KEYS) or len(der) != len(DER_OF_PUBLIC_KEYS) + 32:
        raise ValueError("this is no public key of Ed25519 in PEM")
    return der[-32:]


def signature_of(document: dict[str, Any]) -> bytes:
    """Return the signature of a document."""
    try:
        return base64.b64decode(document.get("signature") or "", validate=True)
    except ValueError:
        return b""


def signed_part(document: dict[str, Any]) -> bytes:
    """Return what the signature of a document is over."""
    return canonical({name: value for name, value in document.items() if name not in ("signature", "timestamp")})


class FolderCheck:
    """What was found so far."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.wrong = folder, list[str]()
        self.notes: list[str] = []
        self.strangers: list[str] = []

    def run(self, own_key: "Path | None" = None) -> bool:
        """Check everything; say whether all fits."""
        manifest, checkpoint = self._json("manifest.json"), self._json("checkpoint.json")
        self._files(manifest)
        self._signatures(manifest, checkpoint, own_key)
        entries = list(self._entries(checkpoint))
        self._outcomes(entries)
        self._recalls(entries)
        self.wrong += [
            f"recall {number} is shown with values that are not what the history says: its page names them"
            for number in manifest.get("disputed", [])
        ]
        self.notes.append(
            f"{len(entries)} entries of a history of {checkpoint.get('entries')}, root {checkpoint.get('root')}"
        )
        if left := manifest.get("left"):
            self.notes.append(
                f"not in it, nor in the ledger: the first {left['entries']} entries, and the recalls that ended before "
                f"{left['before']}"
            )
        return not self.wrong

    def _json(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / name).read_text("utf-8"))
        except (OSError, ValueError) as error:
            self.wrong.append(f"{name} cannot be read: {error}")
            return {}
        return found if isinstance(found, dict) else {}

    def _files(self, manifest: dict[str, Any]) -> None:
        for name, digest in manifest.get("files", {}).items():
            path = self.folder / name
            if not path.is_file():
                self.wrong.append(f"{name} is missing")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                self.wrong.append(f"{name} is not what was handed out")
        # What a system hides in each folder is no sheet that anybody takes for evidence.
        there = [] if not self.folder.is_dir() else sorted(path.name for path in self.folder.iterdir())
        known = {*manifest.get("files", {}), "manifest.json"}
        self.strangers = [name for name in there if name not in known and not name.startswith(".")]
        self.notes += [f"NOT PROVEN: {name!a} was not handed out with the rest" for name in self.strangers]

    def _signatures(self, manifest: dict[str, Any], checkpoint: dict[str, Any], own_key: "Path | None") -> None:
        path = own_key or self.folder / "public-key.pem"
        if not checkpoint.get("signature") and not own_key:
            self.notes.append("NOT PROVEN: nobody signed this, so that who made the folder could have made it up")
            return
        try:
            key = public_key(path.read_text("ascii"))
        except (OSError, ValueError) as error:
            self.wrong.append(f"{path.name} cannot be read: {error}")
            return
        for name, document in (("the checkpoint", checkpoint), ("the list of files", manifest)):
            if not is_signed(key, signed_part(document), signature_of(document)):
                self.wrong.append(f"{name} does not have the signature of the key")
        name = hashlib.sha256(key).hexdigest()[:16]
        whose = "your own copy of it" if own_key else "compare it with the name that you were given on another way"
        self.notes.append(f"signed with key {name} at {checkpoint.get('at')}: {whose}")

    def _entries(self, checkpoint: dict[str, Any]) -> Iterator[dict[str, Any]]:
        before: dict[str, Any] | None = None
        for number, entry in self._lines("entries.jsonl"):
            name = f"entry {number} of entries.jsonl"
            if digest_of(entry) != entry["digest"]:
                self.wrong.append(f"{name} was edited: it does not have the digest of its content")
            root = root_by_path(entry["digest"], entry["place"], int(checkpoint.get("entries") or 0), entry["path"])
            if root != checkpoint.get("root"):
                self.wrong.append(f"{name} does not stand in the history that was signed, or not at this place")
            if before is not None and entry["place"] <= before["place"]:
                self.wrong.append(f"{name} is not in the order of the history")
            if before is not None and entry["place"] == before["place"] + 1 and entry["previous"] != before["digest"]:
                self.wrong.append(f"{name} does not follow the one before it")
            before = entry
            yield entry

    def _outcomes(self, entries: "list[dict[str, Any]]") -> None:
        said: dict[tuple[int, str], Any] = {}
        keys: dict[int, tuple[int, str]] = {}
        for entry in entries:
            detail, recall = entry["detail"], entry["recall_id"]
            for item, key, outcome, *_ in detail.get("items") or ():
                keys[item] = (recall, key)
                said[recall, key] = outcome
            for item in detail.get("reopened") or () if entry["event"] == "reopened" else ():
                said.pop(keys.get(item, (0, "")), None)
        shown: dict[tuple[int, str], Any] = {}
        for number, message in self._lines("messages.jsonl"):
            place = (message["recall_id"], message["process_query_key"])
            shown[place] = message["outcome"]
            if message["outcome"] != said.get(place):
                name = f"message {number} of messages.jsonl"
                self.wrong.append(f"{name} is shown as {message['outcome']}, and the history says {said.get(place)}")
        self.wrong += [
            f"message {key} of recall {recall} is left out" for recall, key in said if (recall, key) not in shown
        ]

    def _recalls(self, entries: "list[dict[str, Any]]") -> None:
        said: dict[int, dict[str, str]] = {}
        for entry in entries:
            says = said.setdefault(entry["recall_id"], {})
            for column, where in _SAID_BY.get(entry["event"], {}).items():
                value = entry[where] if where in entry else entry["detail"].get(where)
                if value is not None:
                    says[column] = str(value)
        for row in self._table("recalls.csv"):
            name, told = row["recall_id"], said.get(int(row["recall_id"]))
            if told is None:
                self.wrong.append(f"of recall {name} the history says nothing")
                continue
            for column, value in told.items():
                # A spreadsheet would run some cells: before these stands an apostrophe.
                if row[column] not in (value, f"'{value}"):
                    shown = f"{column} of recall {name} is shown as {row[column]!a}"
                    self.wrong.append(f"{shown}, and the history says {value!a}")
            if _UNSAID & {column for column in row if row[column]} - told.keys():
                self.wrong.append(f"recall {name} names a second person of whom the history says nothing")

    def _table(self, name: str) -> "list[dict[str, str]]":
        csv.field_size_limit(2**31 - 1)
        try:
            with (self.folder / name).open(encoding="utf-8-sig", newline="") as lines:
                return list(csv.DictReader(lines))
        except (OSError, ValueError, csv.Error) as error:
            self.wrong.append(f"{name} cannot be read: {error}")
            return []

    def _lines(self, name: str) -> "Iterator[tuple[int, dict[str, Any]]]":
        try:
            with (self.folder / name).open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, 1):
                    yield number, json.loads(line)
        except (OSError, ValueError) as error:
            self.wrong.append(f"{name} cannot be read: {error}")


def main() -> int:
    """Check the folder in which this file stands."""
    parser = argparse.ArgumentParser(description="Check a folder of evidence.")
    parser.add_argument(
        "--public-key", type=Path, metavar="FILE", help="your own copy of the key that must have signed"
    )
    parser.add_argument("folder", nargs="?", type=Path, default=HERE, help="the folder; the one of this file by itself")
    options = parser.parse_args()
    check = FolderCheck(options.folder)
    try:
        fits = check.run(options.public_key)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        check.wrong.append(f"a file is not of this form: {error!r}")
        fits = False
    for text in check.wrong:
        sys.stdout.write(f"WRONG: {text}\n")
    for text in check.notes:
        sys.stdout.write(f"{text}\n")
    good = "everything else fits" if check.strangers else "everything fits"
    sys.stdout.write(f"{good if fits else 'this evidence does not hold'}\n")
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
