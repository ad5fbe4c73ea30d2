"""Slips of the hand between two names: letters left out, added, changed, or swapped with their neighbour."""

from collections import defaultdict


class Slips:
    """Counts them between one name and others, of which there may be very many.

    That is the optimal string alignment, with a row of its table as the bits of a number (Hyyrö, 2003).
    """

    def __init__(self, name: str) -> None:
        self._length = len(name)
        places = defaultdict[str, int](int)
        for place, letter in enumerate(name):
            places[letter] |= 1 << place
        self._places = dict(places)

    def to(self, other: str, most: int) -> int:
        """Return how many there are; above `most`, any number above it."""
        length, slips = self._length, self._length
        if abs(length - len(other)) > most:
            return most + 1
        if not length:
            return len(other)
        every, last, places = (1 << length) - 1, 1 << (length - 1), self._places
        more, less, same, before = every, 0, 0, 0
        for letter in other:
            here = places.get(letter, 0)
            swapped = ((~same & here) << 1) & before
            same = (((here & more) + more) ^ more) | here | less | swapped
            grows, shrinks = less | ~(same | more), same & more
            if grows & last:
                slips += 1
            elif shrinks & last:
                slips -= 1
            grows = (grows << 1) | 1
            more, less, before = ((shrinks << 1) | ~(same | grows)) & every, grows & same & every, here
        return slips


def are_letters_near(letters: frozenset[str], other: str, most: int) -> bool:
    """Say whether a name may be so few slips away from one of these letters: a slip changes two of them at most.

    That spares most counting.
    """
    return len(letters.symmetric_difference(other)) <= 2 * most
