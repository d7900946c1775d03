"""Personal data out, typed placeholders in, before a text leaves the process."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from consumer.masking.cues import find_cued_names
from consumer.masking.entities import EntityReader, keep_as_name, sentences_worth_reading
from consumer.masking.folding import Folded
from consumer.masking.lexicon import Lexicon
from consumer.masking.patterns import find_patterns
from consumer.masking.spans import PLACEHOLDER, Find, Kind, Rendering, without_overlaps
from consumer.masking.words import Words


@dataclass(slots=True)
class _Draft:
    """A message on its way, and what has been found in it so far."""

    message: str
    finds: list[Find] = field(default_factory=list)
    rendering: Rendering = field(init=False)

    def __post_init__(self) -> None:
        self.rendering = Rendering(self.message, ())

    def take(self, finds: Sequence[Find]) -> bool:
        """Puts placeholders where finds of the present text are; False when there is none."""
        text = self.rendering.text
        placeholders = [match.span() for match in PLACEHOLDER.finditer(text)]
        new = without_overlaps(finds, placeholders)
        if not new:
            return False
        self.finds += map(self.rendering.in_the_original, new)
        self.finds.sort(key=lambda find: find.start)
        self.rendering = Rendering(self.message, self.finds)
        return True


class _Page:
    """The present text of a draft, cut into words."""

    def __init__(self, draft: _Draft, lexicon: Lexicon) -> None:
        self.draft = draft
        self._folded = Folded(draft.rendering.text)
        self.words = Words(self._folded.text, lexicon)

    @cached_property
    def sentences(self) -> list[tuple[int, str]]:
        """The sentences that the model must read, each with its offset."""
        text = self.words.text
        return [(start, text[start:end]) for start, end in sentences_worth_reading(self.words)]

    def take_names(self, stretches: Iterable[tuple[int, int]]) -> bool:
        """Takes names by their offsets among the words; False when there is none."""
        return self.draft.take(
            [
                Find(*self._folded.in_the_original(start, end), Kind.PERSONNE)
                for start, end in stretches
            ]
        )

    def take_people(self, readings: Mapping[str, Sequence[tuple[int, int]]]) -> bool:
        """Takes the names that the model read in the sentences; False when there is none."""
        names = (
            keep_as_name(self.words, offset + start, offset + end)
            for offset, sentence in self.sentences
            for start, end in readings[sentence]
        )
        return self.take_names(name for name in names if name)


class Masker:
    """Replaces personal data by typed placeholders, such as `[EMAIL]`; `Kind` names them all.

    A text is searched again with its placeholders in place until nothing is found, so that
    masking a masked text changes nothing. Safe to call from several threads.

    Raises:
        OperatorError: spaCy or its French model is not installed.
    """

    def __init__(self) -> None:
        self._reader = EntityReader()

    def mask(self, text: str) -> str:
        """Gives the text with a placeholder for each stretch of personal data."""
        return self.mask_many([text])[0]

    def mask_many(self, texts: Sequence[str]) -> list[str]:
        """Gives each text with its placeholders, in order; faster than one by one."""
        return [draft.rendering.text for draft in self._search(texts)]

    def find_many(self, texts: Sequence[str]) -> list[list[Find]]:
        """Gives, for each text, what `mask_many` replaces, in the text's own offsets."""
        return [draft.finds for draft in self._search(texts)]

    def _search(self, texts: Sequence[str]) -> list[_Draft]:
        drafts = [_Draft(text) for text in texts]
        readings: dict[str, list[tuple[int, int]]] = {}
        pending = drafts
        while pending:
            pages = [self._search_without_model(draft) for draft in pending]
            self._read(pages, readings)
            pending = [page.draft for page in pages if page.take_people(readings)]
        return drafts

    def _search_without_model(self, draft: _Draft) -> _Page:
        while True:
            while draft.take(find_patterns(draft.rendering.text)):
                pass
            page = _Page(draft, self._reader.lexicon)
            if not page.take_names(find_cued_names(page.words)):
                return page

    def _read(self, pages: Sequence[_Page], readings: dict[str, list[tuple[int, int]]]) -> None:
        unread = list(
            {
                sentence: None
                for page in pages
                for _, sentence in page.sentences
                if sentence not in readings
            }
        )
        if unread:
            readings.update(zip(unread, self._reader.read(unread), strict=True))
