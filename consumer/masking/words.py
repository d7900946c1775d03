"""The words of a text, and how far a name runs."""

import re
from bisect import bisect_left
from typing import NamedTuple

from consumer.masking.lexicon import PARTICLES, Lexicon, bare, is_after_a_place

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*+")
_DOTTED_LETTER = re.compile(r"(?<![^\W_])[^\W\d_]\.$")
_DOTTED_LETTERS = re.compile(r"\.[^\W\d_]\.[^\W\d_](?![^\W_])")
_REST_OF_LINE = re.compile(r"[ .,!]*+(?:\n|$)")
# Firms and towns with a person's name, and the site "ameli" as people spell it.
_FIRM = re.compile(
    r"(?<!\w)(?:leroy merlin|yves rocher|jean louis david|jacques dessange|pierre et vacances"
    r"|pierre fabre|marie blachere|louis vuitton|hugo boss|calvin klein|ho chi minh|am[eé]lie\.fr"
    r"|(?:sites?|compte|espace|sur|via|appli|application|portail)[ ('\"«]{1,3}amelie)(?!\w)",
    re.IGNORECASE,
)
_SWITCH_OF_CASE = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Ý])|(?<=[A-ZÀ-Ý][A-ZÀ-Ý])(?=[A-ZÀ-Ý][a-zà-ÿ])")
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
        self._in_firms = {
            index
            for match in _FIRM.finditer(text)
            for index in range(self.at(match.start()), self.at(match.end()))
        }

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
            and self.text[word.end : word.end + 1] in ({".", "'"} if word.bare == "o" else {"."})
        )

    def is_elided(self, index: int) -> bool:
        """Tells the L of "L'ambassadeur" from the O of "O'Brien" and the N of "N'Diaye"."""
        word = self.items[index]
        if len(word.letters) > 1 or self.text[word.end : word.end + 1] != "'":
            return False
        if index + 1 == len(self.items):
            return True
        following = self.items[index + 1]
        return (
            not following.is_capitalised
            or len(following.letters) == 1
            or self.lexicon.is_never_a_name(following.bare)
            or not self.lexicon.can_be_a_name(following.bare)
        )

    def is_in_an_acronym(self, index: int) -> bool:
        """Tells the M of "M.D.P.H." and of "C.M.I." from the one of "M.J. Martin"."""
        word = self.items[index]
        return len(word.letters) == 1 and bool(
            _DOTTED_LETTER.search(self.text, max(0, word.start - 2), word.start)
            or _DOTTED_LETTERS.match(self.text, word.end)
        )

    def ends_the_line(self, index: int) -> bool:
        """Tells whether nothing but punctuation stands between the word and the line's end."""
        return bool(_REST_OF_LINE.match(self.text, self.items[index].end))

    def is_no_person(self, index: int) -> bool:
        """Tells whether a name at the word would be the one of a firm or of a place."""
        return index in self._in_firms or self.is_after_a_place(index)

    def parts(self, index: int) -> list[str]:
        """Gives the bare words of "BonjourMa" and "MerciAudrey", which lost the space between."""
        return [bare(part) for part in _SWITCH_OF_CASE.split(self.items[index].letters)]

    def is_glued_together(self, index: int) -> bool:
        """Tells "BonjourMa" and "ServicePublic", in which no part can be a name."""
        parts = self.parts(index)
        return len(parts) > 1 and not any(
            self.lexicon.can_be_a_name(part) and not self.lexicon.is_never_a_name(part)
            for part in parts
        )

    def is_after_a_place(self, index: int) -> bool:
        """Tells whether the names up to this one are those of a street or a hospital."""
        earliest = max(0, index - _MOST_WORDS)
        while not is_after_a_place(self.bare_text, self.items[index].start):
            is_inside = index > earliest and self.gap_before(index) == " "
            if not is_inside:
                return False
            before = self.items[index - 1]
            if not before.is_capitalised and not self.lexicon.is_known_name(before.bare):
                return False
            index -= 1
        return True

    def _belongs(self, index: int) -> bool:
        word = self.items[index]
        if self.is_initial(index):
            return True
        if not word.is_capitalised or self.lexicon.is_never_a_name(word.bare):
            return False
        if self.is_elided(index):
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

    def end_with_a_known_name(self, index: int) -> int:
        """Gives the index after a name, and after the known name that follows it, if any."""
        end = index + 1
        if end < len(self.items) and self.gap_before(end) == " ":
            end += self.lexicon.is_known_name(self.items[end].bare)
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
