"""How far the demo's messages have come: counts, rates and percentiles. Pure; it takes `now`."""

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consumer.contracts import TaggedMessage

_RATE_SECONDS = 5.0
_LATEST = 6
_RECENT_LATENCIES = 1000

Place = tuple[int, int]
"""Partition and offset of a record of the input topic."""


@dataclass(frozen=True)
class Snapshot:
    """What there is to show at one moment."""

    sent: int
    tagged: int
    dead_letters: int
    archived: int
    rate: float
    """Messages tagged or dead-lettered a second, over the last seconds."""
    latency_ms: dict[str, float | None]
    """p50 and p99 of the last messages, from a message's timestamp to its tagged message's."""
    tokens_per_batch: float | None
    scores: dict[str, int]
    """Messages by the label of their global score."""
    latest: Sequence[TaggedMessage]
    """The last tagged messages, newest first."""


class Progress:
    """Counts every message once, however often Kafka delivers what became of it.

    All moments are seconds since 1970, like the timestamps of Kafka's records.
    """

    def __init__(self) -> None:
        self._sent = 0
        self._expected: int | None = None
        self._tokens_per_batch: float | None = None
        self._produced: dict[Place, float] = {}
        self._published: dict[Place, float] = {}
        self._began: float | None = None
        self._tagged: set[Place] = set()
        self._dead: set[Place] = set()
        self._ids: set[str] = set()
        self._latencies: list[float] = []
        self._scores: Counter[str] = Counter()
        self._latest: deque[TaggedMessage] = deque(maxlen=_LATEST)
        self._outcomes: deque[float] = deque()
        self._archived = 0
        self._last_archived: float | None = None
        self._last_change: float | None = None

    def on_sent(self, count: int, now: float, last: bool = False) -> None:
        """So many messages are acknowledged in all; `last` says that no more will come."""
        if count > self._sent:
            self._last_change = now
        self._sent = count
        if last:
            self._expected = count

    def on_input(self, place: Place, produced: float) -> None:
        """A message stands in the input topic, with this timestamp."""
        self._began = produced if self._began is None else min(self._began, produced)
        self._produced[place] = produced
        self._measure(place)

    def on_tagged(self, message: TaggedMessage, published: float, now: float) -> None:
        """A tagged message stands in the output topic, with this timestamp."""
        place = (message.source.partition, message.source.offset)
        if place in self._tagged:
            return
        self._tagged.add(place)
        self._ids.add(message.id)
        self._scores[message.global_score.label] += 1
        self._latest.appendleft(message)
        self._published[place] = published
        self._measure(place)
        self._count_outcome(now)

    def on_dead_letter(self, place: Place, now: float) -> None:
        """The message that stood at this place of the input is in the dead-letter topic."""
        if place not in self._dead:
            self._dead.add(place)
            self._count_outcome(now)

    def on_archived(self, count: int, now: float) -> None:
        """So many tagged messages are in the archive in all."""
        if count > self._archived:
            self._last_archived = self._last_change = now
        self._archived = count

    def on_batches(self, tokens_per_batch: float) -> None:
        """The mean number of tokens in a batch so far."""
        self._tokens_per_batch = tokens_per_batch

    @property
    def finished(self) -> bool:
        """Whether every message has its outcome and every tagged one is archived.

        Messages that share an id share a row of the archive.
        """
        outcomes = len(self._tagged) + len(self._dead)
        return outcomes == self._expected and self._archived >= len(self._ids)

    def quiet_seconds(self, now: float) -> float:
        """For how long nothing has moved; 0 before the first message."""
        return 0.0 if self._last_change is None else now - self._last_change

    def snapshot(self, now: float) -> Snapshot:
        """What there is to show now."""
        while self._outcomes and self._outcomes[0] <= now - _RATE_SECONDS:
            self._outcomes.popleft()
        return Snapshot(
            sent=self._sent,
            tagged=len(self._tagged),
            dead_letters=len(self._dead),
            archived=self._archived,
            rate=len(self._outcomes) / _RATE_SECONDS,
            latency_ms=_latency_ms(self._latencies[-_RECENT_LATENCIES:]),
            tokens_per_batch=self._tokens_per_batch,
            scores=dict(self._scores),
            latest=list(self._latest),
        )

    def summary(self) -> dict[str, Any]:
        """The whole run in figures; seconds from the first message sent to the last archived."""
        began, ended = self._began, self._last_archived
        seconds = ended - began if began is not None and ended is not None else 0.0
        return {
            "messages": self._sent,
            "tagged": len(self._tagged),
            "dead_letters": len(self._dead),
            "archived": self._archived,
            "seconds": round(seconds, 3),
            "messages_per_second": round(self._sent / seconds, 1) if seconds > 0 else None,
            "latency_ms": _latency_ms(self._latencies),
        }

    def _measure(self, place: Place) -> None:
        # The two topics are read side by side: either record may be seen first.
        if place in self._produced and place in self._published:
            self._latencies.append(self._published.pop(place) - self._produced.pop(place))

    def _count_outcome(self, now: float) -> None:
        self._outcomes.append(now)
        self._last_change = now


def _latency_ms(seconds: Sequence[float]) -> dict[str, float | None]:
    ordered = sorted(seconds)
    return {
        f"p{percent}": round(_nearest_rank(ordered, percent) * 1000, 1) if ordered else None
        for percent in (50, 99)
    }


def _nearest_rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[math.ceil(percent / 100 * len(ordered)) - 1]
