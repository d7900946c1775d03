"""Stretches of a text that hold personal data, and the text with placeholders in their place."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a stretch holds. Earlier kinds are more specific and win where two overlap."""

    URL = "URL"
    EMAIL = "EMAIL"
    IBAN = "IBAN"
    NIR = "NIR"
    CARTE = "CARTE"
    TEL = "TEL"
    NUMERO = "NUMERO"
    PERSONNE = "PERSONNE"


_SPECIFICITY = {kind: rank for rank, kind in enumerate(Kind)}

PLACEHOLDER = re.compile(r"\[(?:" + "|".join(Kind) + r")\]")


@dataclass(frozen=True, slots=True)
class Find:
    """One stretch of personal data: `text[start:end]`, offsets in characters."""

    start: int
    end: int
    kind: Kind


def without_overlaps(
    finds: Iterable[Find], protected: Iterable[tuple[int, int]] = ()
) -> list[Find]:
    """Keeps the most specific of the finds that overlap, the longest where they are equal.

    Args:
        finds: Finds in one text, in any order.
        protected: Stretches `(start, end)` that no find may touch.

    Returns:
        Finds in the order of the text, no two of which overlap.
    """
    starts: list[int] = []
    ends: list[int] = []
    kept: list[Find] = []

    def is_free(start: int, end: int) -> bool:
        place = bisect_right(starts, start)
        return (place == 0 or ends[place - 1] <= start) and (
            place == len(starts) or starts[place] >= end
        )

    for start, end in sorted(protected):
        if is_free(start, end):
            starts.append(start)
            ends.append(end)
    for find in sorted(finds, key=lambda f: (_SPECIFICITY[f.kind], f.start - f.end, f.start)):
        if find.start < find.end and is_free(find.start, find.end):
            place = bisect_right(starts, find.start)
            starts.insert(place, find.start)
            ends.insert(place, find.end)
            kept.append(find)
    return sorted(kept, key=lambda f: f.start)


def blank_out(text: str, stretches: Iterable[tuple[int, int]]) -> str:
    """Puts a character that no pattern takes in place of each character of the stretches."""
    characters = list(text)
    for start, end in stretches:
        characters[start:end] = "\0" * (end - start)
    return "".join(characters)


class Rendering:
    """A text with a placeholder for each find, and the way back to the text's own offsets."""

    def __init__(self, text: str, finds: Sequence[Find]) -> None:
        pieces: list[str] = []
        self._starts = [0]
        self._shifts = [0]
        written = position = 0
        for find in finds:
            placeholder = f"[{find.kind}]"
            kept = text[position : find.start]
            pieces += (kept, placeholder)
            written += len(kept) + len(placeholder)
            position = find.end
            self._starts.append(written)
            self._shifts.append(position - written)
        pieces.append(text[position:])
        self.text = "".join(pieces)

    def in_the_original(self, find: Find) -> Find:
        """Moves a find that touches no placeholder from the rendered text to the original."""
        shift = self._shifts[bisect_right(self._starts, find.start) - 1]
        return Find(find.start + shift, find.end + shift, find.kind)
