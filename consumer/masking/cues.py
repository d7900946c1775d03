"""People's names that a word before them, a formula or a list of given names gives away."""

import re
from collections.abc import Iterator

from consumer.masking.lexicon import (
    AMBIGUOUS,
    ORDINARY_GIVEN_NAMES,
    PARTICLES,
    SHORT_TITLES,
    TITLES,
)
from consumer.masking.words import Words

# Against the text as `bare` gives it. A name must follow, in capitals or not.
_STRONG = re.compile(
    r"(?<![^\W_])(?:je |j'? ?)?(?:[ms]'? ?app?el{1,2}e?s?|me (?:nomme|prenomme))(?: bien)?"
    r"[ :\"«]{1,3}(?=\w)"
    r"|(?<!\w)(?:mon |son |notre )?(?:pre)?nom(?: de famille)?(?: est| c'est| cest|)[ :]{1,3}(?=\w)"
    r"|(?<!\w)my (?:full |last |first )?name is (?=\w)"
)
# A capital must follow, and a word that can be a name.
_WEAK = re.compile(
    r"(?<!\w)(?:je suis|moi c'est|moi cest|c'est|cest|c moi|c|ici|i am|i'm|this is|named|called"
    r"|je soussignee?|soussignee?|de?nommee?|prenommee?|au nom de|signe|signee|de la part de"
    r"|a l'attention de|contactez|contacter|transmettre a|merci a|merci|remercie|call)"
    r"[ :,]{1,3}(?=\w)"
)
_ENGLISH = re.compile(r"i am|i'm|this is|named|called|call")
# Who somebody is to somebody: "ma fille, Léa", "la conseillère Sonia".
_RELATION = re.compile(
    r"(?<!\w)(?:fils|filles?|mari|femme|epoux|epouse|pere|mere|papa|maman|frere|s(?:oe|œ)ur|conjointe?"
    r"|compagne|compagnon|beau-pere|belle-mere|beau-frere|belle-s(?:oe|œ)ur|cousine?|oncle|tante|neveu"
    r"|niece|voisine?|collegue|amie?|copine|copain|enfants?|bebe|conseill(?:er|ere)|agente?"
    r"|infirmi(?:er|ere)|technicien(?:ne)?|tut(?:eur|rice)|cura(?:teur|trice)|avocate?|facteur"
    r"|proprietaire|locataire|employee?|interlocut(?:eur|rice)|secretaire|medecin|son|daughter"
    r"|husband|wife|mother|father|brother|sister|colleague|landlord|advisor|clerk)"
    r"(?: de| d'|,)? ?(?=\w)"
)
_DEMONYM = re.compile(r"(?:ais|aise|ain|aine|ien|ienne|ois|oise|iste|eur|euse|ee|ees|ente?|ante?)$")
_CLOSING = re.compile(
    r"(?<!\w)(?:cordialement|cdlt|cdt|bien a vous|respectueusement|salutations(?: [a-z]+){0,2}"
    r"|sentiments(?: [a-z]+){0,2}|merci(?: d'avance| beaucoup| bcp| bien| a vous)?|bonne journee"
    r"|bonne soiree|bonne reception|regards|sincerely|thanks|thank you|signe"
    r"|dans l'attente[^\n]{0,60})"
    r"[ ,.!:;\-]*+(?:\n\s*+|(?<=[,.!:;] )|(?<=[,.!:;]))(?=[^\W\d_])"
)
_ARTICLES = frozenset({"des", "du", "la", "le"})
_ADDRESSES = frozenset({"merci", "bonjour", "bonsoir", "salut", "chere"})
_SMALLEST_IN_SMALL_LETTERS = 4


def _is_particle_of_a_name(words: Words, index: int) -> bool:
    """Tells the "Le" of "Mme Le Gall" from the one of "M. le maire"."""
    word = words.items[index]
    if word.bare not in PARTICLES or index + 1 == len(words.items):
        return False
    following = words.items[index + 1]
    return (
        (word.is_capitalised or word.bare not in _ARTICLES)
        and words.gap_before(index + 1) in {" ", "'"}
        and following.is_capitalised
        and not words.lexicon.is_never_a_name(following.bare)
    )


def _after_titles(words: Words) -> Iterator[tuple[int, int]]:
    items, lexicon = words.items, words.lexicon
    for index, title in enumerate(items[:-1]):
        if title.bare not in TITLES or words.gap_before(index + 1) not in {" ", ". ", "."}:
            continue
        word = items[index + 1]
        if words.is_after_a_place(index) or words.is_in_an_acronym(index):
            continue
        if title.bare == "doctor" and not title.is_capitalised:
            continue
        if _is_particle_of_a_name(words, index + 1):
            yield index + 1, words.end_of_name(index + 1)
            continue
        if words.is_elided(index + 1) or words.is_glued_together(index + 1):
            continue
        if lexicon.is_never_a_name(word.bare) and not words.is_initial(index + 1):
            continue
        if title.bare in {"m", "me", "pr"} and not (title.is_capitalised and word.is_capitalised):
            continue
        if word.is_capitalised:
            if not word.is_shouted or lexicon.can_be_a_name(word.bare):
                yield index + 1, words.end_of_name(index + 1)
        elif title.bare in SHORT_TITLES or title.bare == "famille":
            if lexicon.can_be_a_name(word.bare):
                yield index + 1, words.end_of_small_name(index + 1)
        elif lexicon.can_be_a_name(word.bare):
            yield index + 1, words.end_with_a_known_name(index + 1)


def _after_strong_cues(words: Words) -> Iterator[tuple[int, int]]:
    for match in _STRONG.finditer(words.bare_text):
        index = words.at(match.end())
        if index == len(words.items) or words.items[index].start != match.end():
            continue
        word = words.items[index]
        if words.lexicon.is_never_a_name(word.bare):
            continue
        if word.is_capitalised:
            if words.lexicon.can_be_a_name(word.bare) or not word.is_shouted:
                yield index, words.end_of_name(index)
        elif words.lexicon.can_be_a_name(word.bare):
            yield index, words.end_of_small_name(index)


def _after_weak_cues(words: Words) -> Iterator[tuple[int, int]]:
    lexicon = words.lexicon
    for pattern in (_WEAK, _RELATION):
        for match in pattern.finditer(words.bare_text):
            index = words.at(match.end())
            if index == len(words.items) or words.items[index].start != match.end():
                continue
            word = words.items[index]
            if not word.is_capitalised or not lexicon.can_be_a_name(word.bare):
                continue
            if lexicon.is_never_a_name(word.bare) or lexicon.is_city_or_country(word.bare):
                continue
            end = words.end_of_name(index)
            is_known = any(lexicon.is_known_name(w.bare) for w in words.items[index:end])
            if not is_known and (
                word.is_shouted
                or (end == index + 1 and _DEMONYM.search(word.bare))
                or (end == index + 1 and _ENGLISH.match(match[0]))
            ):
                continue
            yield index, end


def _signatures(words: Words) -> Iterator[tuple[int, int]]:
    """Finds a line of one to four words that holds a name, after a closing formula."""
    lexicon = words.lexicon
    for match in _CLOSING.finditer(words.bare_text):
        index = words.at(match.end())
        word = words.items[index]
        if lexicon.is_never_a_name(word.bare) and not words.is_initial(index):
            continue
        if lexicon.is_city_or_country(word.bare):
            continue
        end = words.end_of_name(index) if word.is_capitalised else words.end_of_small_name(index)
        names = words.items[index:end]
        if not words.ends_the_line(end - 1):
            continue
        on_its_own_line = "\n" in match[0]
        if any(lexicon.can_be_a_name(w.bare) for w in names if len(w.letters) > 1) and (
            word.is_capitalised or on_its_own_line or lexicon.is_given_name(word.bare)
        ):
            yield index, end


def _is_name_in_small_letters(words: Words, index: int) -> bool:
    """Tells "isabelle", "merci rose" and "rose martin" from "une rose" and from "l'aude"."""
    items, lexicon = words.items, words.lexicon
    word, before = items[index], items[index - 1] if index else None
    if len(word.bare) < _SMALLEST_IN_SMALL_LETTERS:
        return False
    if before and before.bare == "l" and words.gap_before(index) == "'":
        return False
    if not lexicon.is_common(word.bare):
        return True
    if before and before.bare in _ADDRESSES and words.gap_before(index) == " ":
        return True
    if words.end_with_a_known_name(index) == index + 1:
        return False
    surname = items[index + 1].bare
    return surname not in ORDINARY_GIVEN_NAMES and not lexicon.is_never_a_name(surname)


def _given_names(words: Words) -> Iterator[tuple[int, int]]:
    items, lexicon = words.items, words.lexicon
    for index, word in enumerate(items):
        if not lexicon.is_given_name(word.bare):
            continue
        if not word.is_capitalised:
            if _is_name_in_small_letters(words, index):
                yield index, words.end_with_a_known_name(index)
            continue
        if word.is_shouted and lexicon.is_common(word.bare):
            continue
        end = words.end_of_name(index)
        if (
            word.bare in AMBIGUOUS
            and words.begins_a_sentence(index)
            and not any(lexicon.can_be_a_name(w.bare) for w in items[index + 1 : end])
        ):
            continue
        start = index
        if index and words.gap_before(index) == " ":
            before = items[index - 1]
            is_surname = before.is_shouted and lexicon.can_be_a_name(before.bare)
            start -= is_surname and not lexicon.is_never_a_name(before.bare)
        yield start, end


def find_cued_names(words: Words) -> Iterator[tuple[int, int]]:
    """Finds people's names without a model.

    They follow a title ("Mme"), an introduction ("je m'appelle"), a relation ("mon fils") or a
    closing formula ("Cordialement,"), or begin with a frequent given name. Names of streets,
    hospitals and schools are left.

    Yields:
        Start and end offsets in the folded text; some may overlap.
    """
    for finder in (
        _after_titles,
        _after_strong_cues,
        _after_weak_cues,
        _signatures,
        _given_names,
    ):
        for first, end in finder(words):
            if not words.is_no_person(first):
                yield words.items[first].start, words.items[end - 1].end
