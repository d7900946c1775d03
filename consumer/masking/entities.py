"""People's names that spaCy's French model recognises."""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, cast

from consumer.masking.lexicon import (
    AMBIGUOUS,
    PARTICLES,
    Lexicon,
    is_after_a_preposition_of_place,
)
from consumer.masking.words import Word, Words
from modeling.errors import OperatorError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.pipeline import Lemmatizer

_MODEL = "fr_core_news_md"
_UNUSED = ["tok2vec", "morphologizer", "parser", "senter", "attribute_ruler"]
_BOUNDARY = re.compile(r"(?<!\W[A-Z])(?<!^[A-Z])[.!?…]++\s++|\n++")
_LONGEST_SENTENCE = 1000
# The tokenizer takes a long time over long stretches without a space, which hold no name.
_UNBROKEN = re.compile(r"\S{60,}+")
_BATCH = 64
_LONGEST_NAME = 60
_MOST_WORDS_OF_A_NAME = 4
_MOST_NEW_WORDS = 50_000


def _load() -> tuple["Language", Lexicon]:
    try:
        import spacy
        from spacy.lang.en.stop_words import STOP_WORDS as ENGLISH
        from spacy.lang.fr.stop_words import STOP_WORDS as FRENCH

        language = spacy.load(_MODEL, exclude=_UNUSED)
    except (ImportError, OSError) as error:
        raise OperatorError(
            f"masking needs spaCy and its model {_MODEL}, which are not installed; "
            "run pip install 'ressenti[masking]'"
        ) from error
    # The lemmatizer brings a dictionary of French, and is of no other use here.
    lookups = cast("Lemmatizer", language.get_pipe("lemmatizer")).lookups
    french: set[str] = set()
    for table in ("lemma_index", "lemma_exc"):
        for forms in lookups.get_table(table).values():
            french.update(forms)
    language.remove_pipe("lemmatizer")
    return language, Lexicon(french, FRENCH | ENGLISH)


class EntityReader:
    """spaCy's recogniser of names, alone of its pipeline, and the lexicon of its dictionary.

    spaCy promises nothing about a pipeline shared between threads, and its memory zones are not
    safe there: one thread reads at a time. Nothing is lost by it, since reading holds the
    interpreter's lock nearly all the time.

    Raises:
        OperatorError: spaCy or its model is not installed.
    """

    def __init__(self) -> None:
        self._language, self.lexicon = _load()
        self._most_words = len(self._language.vocab.strings) + _MOST_NEW_WORDS
        self._lock = threading.Lock()

    def read(self, sentences: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Gives, for each sentence, start and end of what the model takes for a person."""
        shortened = [_UNBROKEN.sub(lambda m: "x" * len(m[0]), sentence) for sentence in sentences]
        with self._lock, self._memory():
            return [
                [(ent.start_char, ent.end_char) for ent in doc.ents if ent.label_ == "PER"]
                for doc in self._language.pipe(shortened, batch_size=_BATCH)
            ]

    def _memory(self) -> AbstractContextManager[object]:
        """Remembers new words up to a number, for speed, and beyond it only while it reads."""
        if len(self._language.vocab.strings) < self._most_words:
            return nullcontext()
        zone: AbstractContextManager[object] = self._language.memory_zone()
        return zone


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end in [*(match.end() for match in _BOUNDARY.finditer(text)), len(text)]:
        while end - start > _LONGEST_SENTENCE:
            cut = text.rfind(" ", start + 1, start + _LONGEST_SENTENCE)
            cut = cut if cut > start else start + _LONGEST_SENTENCE
            yield start, cut
            start = cut
        yield start, end
        start = end


def _can_begin_a_name(word: Word, lexicon: Lexicon) -> bool:
    letters = word.letters
    return (
        letters[0].isupper()
        and len(letters) > 1
        and not letters.isupper()
        and lexicon.can_be_a_name(word.bare)
        and not lexicon.is_never_a_name(word.bare)
    )


def sentences_worth_reading(words: Words) -> Iterator[tuple[int, int]]:
    """Gives start and end of each sentence that holds a capitalised word fit to be a name.

    Reading the others would cost most of the time and find nothing that is kept.
    """
    candidates = (word.start for word in words.items if _can_begin_a_name(word, words.lexicon))
    candidate = next(candidates, None)
    for start, end in _sentences(words.text):
        if candidate is None:
            return
        if candidate < end:
            yield start, end
        while candidate is not None and candidate < end:
            candidate = next(candidates, None)


def _is_a_beginning(words: Words, first: int, last: int) -> bool:
    """Tells a single word that owes its capital to the sentence it begins."""
    if last - first > 1 or not words.begins_a_sentence(first):
        return False
    word = words.items[first]
    if word.bare in AMBIGUOUS:
        return not words.ends_the_line(first)
    return not any(map(words.lexicon.is_known_name, words.parts(first)))


def keep_as_name(words: Words, start: int, end: int) -> tuple[int, int] | None:
    """Trims what the model takes for a person, and drops what the words speak against.

    Args:
        words: The words of the message.
        start: Where the model begins the person's name.
        end: Where it ends it.

    Returns:
        Start and end of the name, or None: the model knows encyclopedias, and takes capitals in
        messages for names more often than it should.
    """
    lexicon = words.lexicon
    first, last = words.at(start), words.at(end)

    def is_outside(place: int) -> bool:
        word = words.items[place]
        return (
            not word.is_capitalised
            or lexicon.is_never_a_name(word.bare)
            or lexicon.is_city_or_country(word.bare)
            or words.is_glued_together(place)
        )

    while first < last and is_outside(first):
        first += 1
    while first < last and is_outside(last - 1):
        last -= 1
    names = words.items[first:last]
    if not any(lexicon.can_be_a_name(name.bare) for name in names if len(name.letters) > 1):
        return None
    if names[-1].end - names[0].start > _LONGEST_NAME:
        return None
    if sum(name.bare not in PARTICLES for name in names) > _MOST_WORDS_OF_A_NAME:
        return None
    if words.is_no_person(first) or _is_a_beginning(words, first, last):
        return None
    is_known = any(lexicon.is_known_name(name.bare) for name in names)
    if not is_known and (
        any(name.is_shouted for name in names)
        or is_after_a_preposition_of_place(words.bare_text, names[0].start)
    ):
        return None
    return names[0].start, names[-1].end
