"""Numbers of dossiers, contracts, vehicles and parcels: what identifies without a checksum."""

import re
from collections.abc import Iterator
from itertools import pairwise

_SEPARATOR = r"[ .\-/_]"
_MONTHS = (
    r"janv(?:ier)?|f[ée]v(?:rier)?|mars|avr(?:il)?|mai|juin|juil(?:let)?|ao[uû]t|sept?(?:embre)?"
    r"|oct(?:obre)?|nov(?:embre)?|d[ée]c(?:embre)?"
)
_UNITS = (
    r"€|\$|£|%|k€|m€|euros?|eur|francs?|millions?|milliards?|milliers?|habitants?|personnes?"
    r"|foyers?|usagers?|dossiers?|demandes?|familles?|logements?|emplois?|dollars?|pounds?"
    r"|km|kwh|m2|m²|m3|d'|de\b"
)
_YEAR = r"(?:19|20)[0-9]{2}"

# What looks like a number and says nothing of a person.
_ORDINARY = re.compile(
    "|".join(
        [
            # 12/05/2024, 12.05.24, 12 05 2024, and the day of 2024-05-12T10:30
            r"(?<![0-9])(?<![0-9][./\-])(?:0?[1-9]|[12][0-9]|3[01])([./\-])(?:0?[1-9]|1[0-2])\1"
            rf"(?:{_YEAR}|[0-9]{{2}})(?![0-9])(?![./\-][0-9])",
            rf"(?<![0-9])(?:0[1-9]|[12][0-9]|3[01]) (?:0[1-9]|1[0-2]) {_YEAR}(?![0-9])",
            rf"(?<![0-9])(?:0?[1-9]|[12][0-9]|3[01]) (?:{_MONTHS})\.? {_YEAR}(?![0-9])",
            rf"(?<![0-9]){_YEAR}([.\-/])(?:0[1-9]|1[0-2])\2(?:0[1-9]|[12][0-9]|3[01])"
            r"(?:T[0-9:.]++Z?)?(?![0-9])",
            rf"(?<![0-9A-Za-z\-/]){_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
            r"(?![0-9A-Za-z])",
            # Years, alone or in a row
            rf"(?<![0-9A-Za-z\-/]){_YEAR}(?:(?:[ \-/]| et | à ){_YEAR})++"
            r"(?![0-9A-Za-z])(?![\-/][0-9])",
            # Amounts and counts: 1 250,50 · 12 000 000 · 35 000 habitants · 10000000 €
            r"(?<![0-9])(?<![0-9][ .])[0-9]{1,3}(?:[ .][0-9]{3})*+,[0-9]{1,2}(?![0-9])",
            r"(?<![0-9])(?<![0-9][ .])[0-9]{1,3}(?:[ .]000)++(?![0-9])(?! [0-9])",
            rf"(?<![0-9])[0-9]{{1,3}}(?:[ .][0-9]{{3}})++(?:,[0-9]++)? ?(?:{_UNITS})(?![a-z])",
            rf"(?<![0-9])[0-9]++(?:[.,][0-9]++)? ?(?:{_UNITS})(?![a-z])",
            r"[€$£] ?[0-9]++(?:[ .,][0-9]++)*+",
            # Laws, articles, forms and directives
            r"\b(?:lois?|d[ée]crets?|ordonnances?|arr[êe]t[ée]s?|circulaires?|r[èe]glements?"
            r"|directives?|d[ée]cisions?|cerfa|articles?|art\.?)"
            r"(?: (?:\(?[a-zA-Z]{1,12}\)?|[LRDA]\.?|n[°ºo]?\.?)){0,3}"
            r" ?(?:n[°º]? ?)?[LRDA]?\.? ?[0-9]++(?:[\-./*][0-9]++)*+",
            r"\b[LRDA]\.? ?\*?[0-9]{3,4}-[0-9]{1,3}(?:-[0-9]{1,3})*+(?![0-9])",
            r"(?<![0-9])[0-9]++\*[0-9]++",
            # Times, Europe's harmonised short numbers, hexadecimal error codes
            r"(?<![0-9])[0-2]?[0-9] ?[:hH] ?[0-5][0-9](?![0-9])",
            r"(?<![0-9])116 ?[0-9]{3}(?![0-9])",
            r"\b0x[0-9A-Fa-f]++",
        ]
    ),
    re.IGNORECASE,
)

_DIGIT_RUN = re.compile(rf"(?<![0-9A-Za-z])[0-9]++(?:{_SEPARATOR}[0-9]++)*+(?![A-Za-z])")
_MIXED = re.compile(
    r"(?<![\w\-/])(?=[A-Za-z\-/_]*+[0-9])[A-Za-z0-9]++(?:[\-/_][A-Za-z0-9]++)*+(?!\w)"
)
_PLATE = re.compile(
    r"(?<![\w\-])(?:[A-HJ-NP-TV-Z]{2}([ \-]?)[0-9]{3}\1[A-HJ-NP-TV-Z]{2}"
    r"|[a-hj-np-tv-z]{2}-[0-9]{3}-[a-hj-np-tv-z]{2})(?![\w\-])"
)
_PARCEL = re.compile(r"(?<!\w)[0-9][A-Z](?: ?[0-9]){11}(?!\w)")

_CUED = re.compile(
    r"(?i:(?<!\w)(?:n[°º]|num(?:[ée]ros?|\b)|n°|r[ée]f(?:[ée]rences?|\b)|dossiers?|allocataire"
    r"|identifiants?|matricule|contrats?|clients?|commandes?|factures?|tickets?|suivi|recommand[ée]"
    r"|colis|pension|usager|adh[ée]rent|case|order|reference|number|ref|claim|file)"
    r"(?:[ .:#,(]{0,3}(?:n[°º]|num[ée]ro|num|r[ée]f[ée]rence|r[ée]f|de|du|la|le|mon|est|is|the"
    r"|c'est|cest|dossier|client|caf|CAF|cpam|CPAM|msa|MSA|s[ée]cu|allocataire|fiscal|suivi|identifiant|pajemploi|number|no))"
    r"{0,4}[ .:#,(]{0,3})(?<![A-Za-z])"
    r"([A-Za-z]{0,5}[\-/]?[0-9][A-Za-z0-9]*+(?:[ .\-/_](?:[0-9][A-Za-z0-9]*+|[A-Z]{1,4}(?!\w)))*+)"
)
# "CAF 1234567": seven digits are enough after an organisation that gives its members numbers.
_MEMBERSHIP = re.compile(
    r"(?<!\w)(?:caf|cpam|msa|s[ée]cu|carsat|cnav|urssaf|mdph|p[ôo]le emploi|france travail|ameli)"
    r"[ .:#,(]{0,3}(?:n[°º] ?)?([0-9](?:[ .]?[0-9]){6,}+)(?![A-Za-z])",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[A-Za-z]+")
_SHORTEST_RUN = 8
_SHORTEST_MIXED = 7
_SHORTEST_CUED = 5
_LONGEST_VERSION = 9


def _count_digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _is_long_run(run: str) -> bool:
    """Tells a grouped number from a version of a program and from a list of small numbers."""
    digits = _count_digits(run)
    if digits < _SHORTEST_RUN:
        return False
    groups = re.split(_SEPARATOR, run)
    if "." in run and min(map(len, groups)) == 1 and digits <= _LONGEST_VERSION:
        return False
    is_rising = all(int(a) < int(b) for a, b in pairwise(groups))
    return max(map(len, groups)) >= 3 or (set(map(len, groups)) == {2} and not is_rising)


def _is_mixed(token: str) -> bool:
    """Tells a dossier number in letters and digits from a product, a unit or an error code."""
    letters = "".join(_LETTERS.findall(token))
    digits = _count_digits(token)
    if not letters or digits < _SHORTEST_MIXED or letters.lower() in {"km", "kwh", "eur", "euros"}:
        return False
    return letters.isupper() or len(letters) <= 2


def _find_candidates(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_PLATE, _PARCEL):
        for match in pattern.finditer(text):
            yield match.span()
    for match in _DIGIT_RUN.finditer(text):
        if _is_long_run(match[0]):
            yield match.span()
    for match in _MIXED.finditer(text):
        if _is_mixed(match[0]):
            yield match.span()
    for match in _MEMBERSHIP.finditer(text):
        yield match.span(1)
    for match in _CUED.finditer(text):
        if _count_digits(match[1]) >= _SHORTEST_CUED:
            yield match.span(1)


def find_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Finds long digit runs, dossier numbers and number plates in a folded text.

    Dates, times, amounts, legal references and short public numbers are none of them.

    Yields:
        Start and end of each, some of which may overlap.
    """
    yield from _find_candidates(_ORDINARY.sub(lambda match: "\0" * len(match[0]), text))
