"""Addresses of pages, and which of them lead to one person's page."""

import re
from collections.abc import Iterator

_URL = re.compile(
    r"(?<![\w@.\-])"
    r"(?:https?://|www\.|(?=[\w\-]++(?:\.[\w\-]++)++[/?]))"
    r"[^\s<>\"«»\[\]{}|\\]++",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'…"
_PARAMETER = re.compile(r"[?&#;]([\w.\-\[\]]+)=([^&#;]+)")
_PERSONAL_KEYS = re.compile(
    r"token|jeton|sess|sid|sig|secret|key|cle|clef|code|auth|pwd|pass|mail|user|usager|uid|nom|name"
    r"|dossier|ticket|num|ref|tel|phone|nir|iban|compte|account|state|hash|otp|cookie",
    re.IGNORECASE,
)
_CHUNK = re.compile(r"[A-Za-z0-9]+")
_LONG_RUN = re.compile(r"[0-9]{6}|(?<![A-Za-z0-9])[0-9]{5}(?![A-Za-z0-9])")
_SWITCH = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])")


def _is_random(chunk: str) -> bool:
    """Tells an identifier drawn at random from a word, a word and a year, or a camel-cased name."""
    switches = len(_SWITCH.findall(chunk))
    digits = sum(map(str.isdigit, chunk))
    if digits:
        return len(chunk) >= 8 and digits >= 2 and switches >= 3
    return len(chunk) >= 16 and switches * 3 >= len(chunk)


def _is_identifier(text: str) -> bool:
    return bool(_LONG_RUN.search(text)) or any(map(_is_random, _CHUNK.findall(text)))


def _is_personal(url: str) -> bool:
    if "@" in url or "%40" in url:
        return True
    path = re.split(r"[?#;]", url, maxsplit=1)[0]
    _, _, path = path.partition("://")[2].partition("/") if "://" in path else path.partition("/")
    if _is_identifier(path):
        return True
    parameters = _PARAMETER.findall(url)
    for key, value in parameters:
        if _PERSONAL_KEYS.search(key) or key.lower() == "id" or key.lower().endswith("_id"):
            return True
        if sum(map(str.isdigit, value)) >= 4 or _is_identifier(value):
            return True
    fragment = url.partition("#")[2]
    return not parameters and _is_identifier(fragment)


def find_urls(text: str) -> Iterator[tuple[int, int, bool]]:
    """Finds the addresses in a folded text.

    Yields:
        Start, end, and whether the address carries a token, a session, an e-mail address or an
        identifier, in its path or in its parameters.
    """
    for match in _URL.finditer(text):
        url = match[0].rstrip(_TRAILING)
        while url.endswith(")") and url.count(")") > url.count("("):
            url = url[:-1].rstrip(_TRAILING)
        yield match.start(), match.start() + len(url), _is_personal(url)
