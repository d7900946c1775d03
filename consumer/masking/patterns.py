"""What a regular expression finds, with a checksum where there is one.

Every expression takes time in proportion to the text: repetitions are possessive or bounded, and
each begins where a run of its characters begins.
"""

import re
from collections.abc import Iterator

from consumer.masking.checksums import IBAN_LENGTHS, has_valid_key, is_iban, passes_luhn
from consumer.masking.folding import Folded
from consumer.masking.numbers import find_numbers
from consumer.masking.spans import Find, Kind, blank_out, without_overlaps
from consumer.masking.urls import find_urls

# With a space beside the sign, or with the sign in letters, only a dot tells an address from
# "rendez-vous @ la mairie".
_EMAIL = re.compile(
    r"(?<![\w.+%\-])[\w.+%\-]++(?:"
    r"@(?=[^\W\d_])[\w\-]++(?:\.[\w\-]++)*+(?:,(?:com|eu|fr|net|org)\b)?"
    r"|(?: ?@ ?| ?(?:\((?i:at|arobase)\)|\[(?i:at|arobase)\]) ?| (?i:arobase) )"
    r"(?=[^\W\d_])[\w\-]++(?:(?:\.| (?:point|dot) )[\w\-]++)++"
    r")"
)

_DIGIT = re.compile("[0-9]")
_S = r"[ .\-/]"
_FRENCH_PHONE = re.compile(
    rf"(?:(?<![0-9A-Za-z])|(?<=t[eé]l)|(?<=num)|(?<=port)|(?<=portable)|(?<=mobile))"
    rf"(?<![0-9][/\-])(?<![^0-9][0-9]{{2}}[ .])"
    rf"(?!0[1-9][./_\-](?:0[1-9]|1[0-2])[./_\-](?:19|20)[0-9]{{2}}(?![0-9]))"
    rf"(?:\({_S}?0{_S}?[1-9]{_S}?\)"
    rf"|(?:(?:(?:\+|00){_S}?)?33{_S}?(?:\({_S}?0{_S}?\)|0)?|\(0\)|0(?!\.[0-9]{{4}}))"
    rf"{_S}{{0,2}}[1-9])(?:[ .\-/_]{{0,3}}[0-9]){{8}}(?![0-9])",
    re.IGNORECASE,
)
_PHONE_WITH_COMMAS = re.compile(r"(?<![0-9A-Za-z])(?<![0-9],)0[1-9](?:,[0-9]{2}){4}(?!,?[0-9])")
_PHONE_OVER_TWO_LINES = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9][ .\-/\n])0[1-9](?:[ .\-/]{0,2}\n?[0-9]){8}(?![0-9])"
)
_FOREIGN_PHONE = re.compile(
    rf"(?<![0-9A-Za-z])(?:\+{_S}?[1-9]|00{_S}?[1-9](?={_S}?[0-9](?:{_S}?[0-9]){{7}}))"
    rf"(?:{_S}?\(?{_S}?(?:[0-9]\)(?={_S}?[0-9])|[0-9])){{7,13}}(?![0-9])"
)
_AMERICAN_PHONE = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9A-Z][ .\-])(?:\([0-9]{3}\) ?|[0-9]{3}[ .\-])[0-9]{3}[ .\-][0-9]{4}"
    r"(?![ .\-]?[0-9])"
)

_IBAN_HEAD = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})[ .\-]?[0-9][ .\-]?[0-9]")
_IBAN_BODIES = {
    length: re.compile(rf"(?:[ .\-]{{0,2}}[A-Za-z0-9]){{{length - 4}}}(?![A-Za-z0-9])")
    for length in set(IBAN_LENGTHS.values())
}

_NIR = re.compile(
    rf"(?<![0-9A-Za-z])([1-478](?:{_S}?[0-9]){{4}}{_S}?[0-9]{_S}?[0-9ABab](?:{_S}?[0-9]){{6}})"
    rf"(?:[ .\-/(]{{0,3}}(?:cl[ée] ?:? ?)?([0-9]{_S}?[0-9])(?![0-9]))?",
)
_NIR_SHAPE = re.compile(
    r"[1-478][0-9]{2}(?:0[1-9]|1[0-2]|[2-4][0-9]|[5-9][0-9])(?:[0-9]{2}|2[ABab])[0-9]{6}"
)
_NIR_WITHOUT_KEY = re.compile(r"[12][0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[1-9][0-9]|2[ABab])[0-9]{6}")
_NIR_GROUPS = re.compile(
    rf"[12]({_S})[0-9]{{2}}\1[0-9]{{2}}\1[0-9][0-9ABab]\1[0-9]{{3}}\1[0-9]{{3}}"
)
_NIR_CUE = re.compile(r"s[ée]cu|\bn\.?i\.?r\b|\binsee\b|\bss\b|assur[ée]|social", re.IGNORECASE)
_NIR_CUE_REACH = 40

_CARD = re.compile(r"(?<![0-9A-Za-z])[2-6](?:[ .\-]?[0-9]){12,18}(?![0-9A-Za-z])(?![.\-][0-9])")

_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")


def _find_ibans(text: str) -> Iterator[tuple[int, int]]:
    for head in _IBAN_HEAD.finditer(text):
        length = IBAN_LENGTHS.get(head[1].upper())
        body = length and _IBAN_BODIES[length].match(text, head.end())
        if body and is_iban(_SEPARATORS.sub("", text[head.start() : body.end()])):
            yield head.start(), body.end()


def _find_social_security_numbers(text: str) -> Iterator[tuple[int, int]]:
    for match in _NIR.finditer(text):
        number, key = _SEPARATORS.sub("", match[1]), _SEPARATORS.sub("", match[2] or "")
        if not _NIR_SHAPE.fullmatch(number):
            continue
        if key and has_valid_key(number + key):
            yield match.span()
            continue
        is_alone = not text[match.end(1) : match.end(1) + 1].isalnum()
        cues = text[max(0, match.start() - _NIR_CUE_REACH) : match.start()]
        if (
            is_alone
            and not key
            and _NIR_WITHOUT_KEY.fullmatch(number)
            and (_NIR_GROUPS.fullmatch(match[1]) or _NIR_CUE.search(cues))
        ):
            yield match.span(1)


def _find_cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        if passes_luhn(_SEPARATORS.sub("", match[0])):
            yield match.span()


def _find_in_plain(text: str) -> Iterator[Find]:
    for match in _EMAIL.finditer(text):
        yield Find(*match.span(), Kind.EMAIL)
    if not _DIGIT.search(text):
        return
    for phone in (_FRENCH_PHONE, _FOREIGN_PHONE, _AMERICAN_PHONE):
        for match in phone.finditer(text):
            yield Find(*match.span(), Kind.TEL)
    for match in _PHONE_WITH_COMMAS.finditer(text):
        pairs = [int(pair) for pair in match[0].split(",")]
        if pairs != list(range(pairs[0], pairs[0] + len(pairs))):
            yield Find(*match.span(), Kind.TEL)
    for match in _PHONE_OVER_TWO_LINES.finditer(text):
        if match[0].count("\n") == 1:
            yield Find(*match.span(), Kind.TEL)
    for kind, finder in (
        (Kind.IBAN, _find_ibans),
        (Kind.NIR, _find_social_security_numbers),
        (Kind.CARTE, _find_cards),
    ):
        for start, end in finder(text):
            yield Find(start, end, kind)


def find_patterns(text: str) -> list[Find]:
    """Finds everything but people's names.

    Args:
        text: A message as it came, or with placeholders already.

    Returns:
        Finds in the order of the text, without overlaps.
    """
    folded = Folded(text)
    plain = folded.text
    finds = list(_find_in_plain(plain))
    plain_urls: list[tuple[int, int]] = []
    for start, end, is_personal in find_urls(plain):
        if is_personal:
            finds.append(Find(start, end, Kind.URL))
        else:
            plain_urls.append((start, end))
    finds = without_overlaps(finds, plain_urls)
    if _DIGIT.search(plain):
        rest = blank_out(plain, plain_urls + [(find.start, find.end) for find in finds])
        numbers = [Find(start, end, Kind.NUMERO) for start, end in find_numbers(rest)]
        finds = sorted(finds + without_overlaps(numbers), key=lambda find: find.start)
    return [Find(*folded.in_the_original(f.start, f.end), f.kind) for f in finds]
