"""The words of a text, and how far a name runs."""

import re
from bisect import bisect_left
from typing import NamedTuple

from consumer.masking.lexicon import PARTICLES, Lexicon, bare, is_after_a_place

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*+")
_MOST_WORDS = 4
_WITHIN_A_NAME = frozenset({" ", "'", ". ", "."})


class Word(NamedTuple):
    """A word, hyphens included: its offsets, its letters, and its letters as `bare` gives them."""

    start: int
    end: int
    letters: str
    bare: str

    @property
    def is_capitalised(self) -> bool:
        """Whether it begins with a capital."""
        return self.letters[0].isupper()

    @property
    def is_shouted(self) -> bool:
        """Whether it is in capitals only; an initial is not."""
        return len(self.letters) > 1 and self.letters.isupper()


class Words:
    """The words of one folded text, in order."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self.text = text
        self.bare_text = bare(text)
        self.lexicon = lexicon
        self.items = [
            Word(m.start(), m.end(), m[0], self.bare_text[m.start() : m.end()])
            for m in _WORD.finditer(text)
        ]
        self._starts = [word.start for word in self.items]

    def at(self, offset: int) -> int:
        """Gives the index of the first word that begins at `offset` or after."""
        return bisect_left(self._starts, offset)

    def gap_before(self, index: int) -> str:
        """Gives what stands between a word and the one before; all that precedes the first."""
        return self.text[self.items[index - 1].end if index else 0 : self.items[index].start]

    def begins_a_sentence(self, index: int) -> bool:
        """Tells whether nothing, a line break or the end of a sentence precedes the word."""
        gap = self.gap_before(index)
        return index == 0 or "\n" in gap or gap.rstrip(" \"'«(-")[-1:] in {".", "!", "?", ":", "…"}

    def is_initial(self, index: int) -> bool:
        """Tells the J of "J. Martin" and the O of "O'Brien"."""
        word = self.items[index]
        return (
            len(word.letters) == 1
            and word.letters.isupper()
            and self.text[word.end : word.end + 1] in {".", "'"}
        )

    def is_after_a_place(self, index: int) -> bool:
        """Tells whether the capitalised words up to this one name a street or a hospital."""
        earliest = max(0, index - _MOST_WORDS)
        while not is_after_a_place(self.bare_text, self.items[index].start):
            is_inside = index > earliest and self.gap_before(index) == " "
            if not is_inside or not self.items[index - 1].is_capitalised:
                return False
            index -= 1
        return True

    def _belongs(self, index: int) -> bool:
        word = self.items[index]
        if self.is_initial(index):
            return True
        if not word.is_capitalised or self.lexicon.is_never_a_name(word.bare):
            return False
        return not word.is_shouted or self.lexicon.can_be_a_name(word.bare)

    def end_of_name(self, index: int) -> int:
        """Gives the index after the last word of the capitalised name that begins at `index`.

        Particles belong to it where a capital follows. The first word is taken as it is.
        """
        end = index + 1
        count = 1
        place = index + 1
        while place < len(self.items) and count < _MOST_WORDS:
            gap = self.gap_before(place)
            after_initial = len(self.items[place - 1].letters) == 1
            if gap not in _WITHIN_A_NAME or (gap in {". ", "."} and not after_initial):
                break
            if self._belongs(place):
                count += 1
                end = place + 1
            elif self.items[place].bare not in PARTICLES:
                break
            place += 1
        return end

    def end_of_small_name(self, index: int) -> int:
        """Gives the index after the last word of the name in small letters that begins there."""
        end = index + 1
        while (
            end < len(self.items)
            and end < index + 3
            and self.gap_before(end) == " "
            and not self.lexicon.is_never_a_name(self.items[end].bare)
            and self.lexicon.can_be_a_name(self.items[end].bare)
        ):
            end += 1
        return end
