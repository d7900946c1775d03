"""One plain form for the characters that keyboards, word processors and copies disguise."""

import re
import unicodedata

_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f"
_SPACES += "\u205f\u3000"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe58\ufe63"
_QUOTES = "\u2018\u2019\u02bc\u00b4"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff"

_PLAIN = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{
        code: str(unicodedata.digit(chr(code)))
        for code in range(0x80, 0x20000)
        if unicodedata.category(chr(code)) == "Nd"
    },
    **dict.fromkeys(map(ord, _SPACES), " "),
    **dict.fromkeys(map(ord, _DASHES), "-"),
    **dict.fromkeys(map(ord, _QUOTES), "'"),
}
_NOT_LATIN = re.compile("[^\x00-\u009f\u00a1-\u00b3\u00b5-\u024f]")
_INVISIBLE_RUN = re.compile(f"[{_INVISIBLE}]+")


class Folded:
    """A text in plain characters, and the way back to the offsets of the text as it came.

    Digits of every script become 0-9, full-width letters become ordinary ones, every space of one
    line becomes a space, dashes and apostrophes become those of the keyboard, and characters
    without width are left out.
    """

    def __init__(self, text: str) -> None:
        self._origins: list[int] | None = None
        if _NOT_LATIN.search(text) or "\u00a0" in text or "\u00ad" in text or "\u00b4" in text:
            text = text.translate(_PLAIN)
            if _INVISIBLE_RUN.search(text):
                self._origins = [
                    place for place, char in enumerate(text) if not _INVISIBLE_RUN.match(char)
                ]
                text = _INVISIBLE_RUN.sub("", text)
        self.text = text

    def in_the_original(self, start: int, end: int) -> tuple[int, int]:
        """Gives the offsets, in the text as it came, of the folded stretch `start:end`."""
        if self._origins is None:
            return start, end
        return self._origins[start], self._origins[end - 1] + 1
