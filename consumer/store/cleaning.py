"""Makes what JSON allows and PostgreSQL refuses storable: NUL characters, lone surrogates."""

import hashlib
import math
import re
from typing import Any, Final

REPLACEMENT: Final = "\ufffd"
_REFUSED: Final = re.compile("[\x00\ud800-\udfff]")
_DIGEST_CHARACTERS = 16


def storable_text(text: str) -> str:
    """The text with every refused character replaced by U+FFFD."""
    return _REFUSED.sub(REPLACEMENT, text)


def storable_id(identifier: str) -> str:
    """An identifier that PostgreSQL takes; different ones stay different.

    An identifier with refused characters is followed by a digest of what it was.
    """
    clean = storable_text(identifier)
    if clean == identifier:
        return identifier
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{clean}~{digest[:_DIGEST_CHARACTERS]}"


def storable_json(value: Any) -> Any:
    """The JSON value with storable texts; numbers that are none become null, as JSON has it."""
    match value:
        case str():
            return storable_text(value)
        case dict():
            return {storable_text(str(name)): storable_json(item) for name, item in value.items()}
        case list() | tuple():
            return [storable_json(item) for item in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
