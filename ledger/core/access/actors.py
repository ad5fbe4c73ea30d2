"""Who the history names: what was done by nobody's hand, and which names are one person."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ledger.core.access.agents import is_agent, looks_like_agent, person_behind
from ledger.core.limits import check_text
from ledger.errors import InputError

# What was done of itself, in the round that somebody started.
WORKER = "worker"
# What stopped by itself, since it could not go on: the entry says why.
OURSELVES = "the ledger"
# What a recall did at the moment that somebody had set for it.
SCHEDULE = "schedule"
# What was recalled since whoever sent it had said until when it stays.
EXPIRY = "expiry"
# What was done by nobody's hand, by the names of these in every language.
OWN_ACTORS: Mapping[str, str] = {OURSELVES: "ledger", WORKER: "worker", SCHEDULE: "schedule", EXPIRY: "expiry"}

# Of the confusables of Unicode 15.1 (UTS 39), those with which a case-folded name in Latin letters can be imitated. In
# each pair, a letter of the first text looks like the one at its place in the second. A 1 and a capital i
# look like an l.
_LOOKS_LIKE = (
    ("01i|", "olll"),
    ("авгекмнорстухьѕіјѵһҽӏԁԍԛԝүꙇ", "abrekmhopctyxbsljvheldgqwyl"),
    ("αβγεζηικμνορστυχϝϳϻ", "abyezhlkmvopctuxfjm"),
    ("ազգհոռստցքօ", "wqqhnnusgfo"),
    ("ıɑɡɣɩɪɯʀʋʏʝᴄᴏᴑᴜᴠᴡᴢꜱǀꞵꭓ", "lagyllwruyjcoouvwzslbx"),
    ("ᴦĸ℮ѡ〇", "rkewo"),
)
_ALIKE = {ord(one): other for these, others in _LOOKS_LIKE for one, other in zip(these, others, strict=True)}
_ALIKE |= {ord("m"): "rn", ord("м"): "rn", ord("μ"): "rn", ord("ϻ"): "rn", ord("æ"): "ae", ord("œ"): "oe"}
_ALIKE |= dict.fromkeys(map(ord, "−⁃˗"), "-") | dict.fromkeys(map(ord, "‘’‛′ʹʻʼʽʾˈ`"), "'")
_UNSEEN_KINDS = ("Cf", "Cc", "Zs", "Zl", "Zp")
# Joiners, fillers and blanks that Unicode counts as marks, letters or symbols.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800") | {chr(number) for number in range(0xFE00, 0xFE10)}


def likeness(name: str) -> str:
    """Return what all names have in common that people cannot tell apart; it is for comparing, not for showing.

    Names are folded by NFKC, case and look-alikes; blanks and what is not seen do not count, and all dashes are one.
    """
    if name.isascii() and name.isprintable() and " " not in name:  # as nearly all are, of which there are many
        return name.lower().translate(_ALIKE) or name
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    # Of a name of which nothing is seen, nothing would be left: then it stands for itself.
    return "".join(_as_written_here(letter) for letter in folded if _is_seen(letter)).translate(_ALIKE) or name


def _as_written_here(letter: str) -> str:
    """Return a digit of any script as we write it, and any dash as the one of the keyboard; another letter as it is."""
    kind = unicodedata.category(letter)
    return str(unicodedata.digit(letter)) if kind == "Nd" else "-" if kind == "Pd" else letter


def is_ours(name: str) -> bool:
    """Say whether a name looks like one under which the history notes what nobody did by hand."""
    return likeness(name) in _OURS


def shows_nothing(name: str) -> bool:
    """Say whether people see nothing of a name."""
    return not any(_is_seen(letter) for letter in unicodedata.normalize("NFKC", name))


def _is_seen(letter: str) -> bool:
    is_selector = 0xE0100 <= ord(letter) <= 0xE01EF
    return not is_selector and letter not in _UNSEEN and unicodedata.category(letter) not in _UNSEEN_KINDS


_OURS = frozenset(map(likeness, (WORKER, OURSELVES, SCHEDULE, EXPIRY)))


def check_actor(actor: str) -> str:
    """Return who does something, whom the history keeps; raise InputError for nobody, or a name that cannot be."""
    if not actor.strip():
        raise InputError("say who does this, with --actor or LEDGER_ACTOR: the history keeps it")
    return check_person("the actor", actor, "Say who does this, with --actor or LEDGER_ACTOR")


def check_acting(actor: str) -> str:
    """Return who does something, who may be an agent on behalf of a person; raise as `check_actor` does."""
    check_actor(person_behind(actor))
    return check_text("the actor", actor)


def check_person(what: str, name: str, instead: str = "Take another name") -> str:
    """Return the name of somebody; raise InputError for one that nobody sees, the ledger's own, or an agent's."""
    if shows_nothing(name):
        raise InputError(f"{what} holds nothing that people see: {name!a}")
    if is_ours(name):
        raise InputError(
            f"{what} looks like a name under which the history keeps what nobody did by hand: {name!a}. {instead}"
        )
    if looks_like_agent(name, likeness):
        raise InputError(f"{what} looks like the name of an agent that acts for somebody: {name!a}. {instead}")
    return check_text(what, name)


@dataclass(frozen=True, slots=True)
class Acting:
    """Who does something; unless a token proves it, the name is only what somebody says of themselves."""

    name: str
    is_proven: bool = False


@dataclass(frozen=True, slots=True)
class People:
    """Who is who, by the tokens that were ever made: a token's name stands for its owner, an agent for its person."""

    owners: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of_tokens(cls, tokens: Iterable[tuple[str, str]]) -> "People":
        """Return who is who, by names of tokens and their owners."""
        owners: dict[str, frozenset[str]] = {}
        for name, owner in tokens:
            owners[likeness(name)] = owners.get(likeness(name), frozenset()) | {likeness(owner)}
        return cls(owners)

    def faces(self, name: str) -> frozenset[str]:
        """Return all that somebody of a name may be known as; an agent is whoever it acts for."""
        known = self.owners.get(likeness(name), frozenset()) | {likeness(name)}
        return known | self.faces(person_behind(name)) if is_agent(name) else known

    def overlap(self, some: Iterable[str], others: Iterable[str]) -> bool:
        """Say whether a name of some and one of others may be those of one person."""
        known = frozenset[str]().union(*(self.faces(name) for name in others))
        return any(not known.isdisjoint(self.faces(name)) for name in some)

    def are_one(self, one: str, other: str) -> bool:
        """Say whether two names may be those of one person."""
        return self.overlap((one,), (other,))
