"""Which messages a question is about, and the SQL that says so."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from consumer.store.cleaning import storable_text

# PostgreSQL's search knows only the straight signs.
_QUOTES: Final = str.maketrans({"“": '"', "”": '"', "«": '"', "»": '"', "„": '"'})


@dataclass(frozen=True)
class Filters:
    """What a message must be to count; what is left out does not matter.

    Attributes:
        since: it occurred at this moment or later.
        until: it occurred before this moment.
        words: a search as people type it: words, "a phrase", or, -without. Accents and case make
            no difference, nor do French endings.
        scores: its global score's label is one of these.
        emotion: this label is among its emotions.
        cause: this label is among its causes.
        channel: it came in here.
    """

    since: datetime | None = None
    until: datetime | None = None
    words: str | None = None
    scores: tuple[str, ...] = ()
    emotion: str | None = None
    cause: str | None = None
    channel: str | None = None


EVERYTHING: Final = Filters()


def condition_on_time(filters: Filters) -> tuple[str, dict[str, Any]]:
    """The part of a WHERE clause that is about the moment, and its parameters."""
    condition = "true"
    parameters: dict[str, Any] = {}
    if filters.since is not None:
        condition += " AND occurred_at >= %(since)s"
        parameters["since"] = filters.since
    if filters.until is not None:
        condition += " AND occurred_at < %(until)s"
        parameters["until"] = filters.until
    return condition, parameters


def condition_on_content(filters: Filters) -> tuple[str, dict[str, Any]]:
    """The part of a WHERE clause that is about all but the moment, and its parameters."""
    condition = "true"
    parameters: dict[str, Any] = {}
    if filters.words is not None:
        condition += " AND words @@ websearch_to_tsquery('french', searchable_text(%(words)s))"
        parameters["words"] = storable_text(filters.words).translate(_QUOTES)
    if filters.scores:
        condition += " AND score_label = ANY(%(scores)s)"
        parameters["scores"] = [storable_text(score) for score in filters.scores]
    if filters.emotion is not None:
        condition += " AND emotions @> ARRAY[%(emotion)s::text]"
        parameters["emotion"] = storable_text(filters.emotion)
    if filters.cause is not None:
        condition += " AND causes @> ARRAY[%(cause)s::text]"
        parameters["cause"] = storable_text(filters.cause)
    if filters.channel is not None:
        condition += " AND channel = %(channel)s"
        parameters["channel"] = storable_text(filters.channel)
    return condition, parameters
