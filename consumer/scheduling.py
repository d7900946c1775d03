"""What to run next: texts of similar length, under a token budget, never idle while work waits.

Pure: it takes `now`, returns a decision, and neither waits nor locks. The window of neighbours
follows the idea of sorting within a prefetch window, and admission by a budget of tokens that of
Hugging Face's text-embeddings-inference; oldest-first anchoring, which bounds every message's
wait, is our own.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

Payload = TypeVar("Payload")

# How far behind the oldest message a neighbour in length is looked for, in messages. Wide enough
# to find texts of one length, narrow enough that sorting it costs microseconds.
WINDOW = 256

# When interactive requests have kept the stream waiting this long, the stream takes one turn.
STREAM_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Job(Generic[Payload]):
    """One text that waits for the device."""

    tokens: int
    arrived: float  # seconds, on the clock of `now`
    payload: Payload
    interactive: bool = False


def padded_tokens(rows: int, longest: int) -> int:
    """What a batch costs on the device: every row is padded to the longest."""
    return rows * longest


class Scheduler(Generic[Payload]):
    """Packs waiting jobs into batches.

    Laws: a batch never costs more than the budget unless it is a single job; the oldest job of the
    class whose turn it is always goes; every job leaves exactly once.
    """

    def __init__(self, token_budget: int) -> None:
        if token_budget < 1:
            raise ValueError("the token budget must be at least 1")
        self.token_budget = token_budget
        self._interactive: deque[Job[Payload]] = deque()
        self._stream: deque[Job[Payload]] = deque()
        self._stream_served = 0.0

    def __len__(self) -> int:
        return len(self._interactive) + len(self._stream)

    @property
    def interactive(self) -> int:
        """Interactive jobs that wait."""
        return len(self._interactive)

    def add(self, job: Job[Payload]) -> None:
        """Queues a job behind those of its class."""
        (self._interactive if job.interactive else self._stream).append(job)

    def next_batch(self, now: float) -> list[Job[Payload]]:
        """The batch to run at `now` (seconds), oldest first; empty when nothing waits."""
        queue = self._queue_in_turn(now)
        if queue is self._stream:
            self._stream_served = now
        return _take(queue, self.token_budget)

    def _queue_in_turn(self, now: float) -> deque[Job[Payload]]:
        if not self._interactive:
            return self._stream
        if not self._stream:
            return self._interactive
        waited = now - max(self._stream[0].arrived, self._stream_served)
        return self._stream if waited >= STREAM_PATIENCE_SECONDS else self._interactive


def _take(queue: deque[Job[Payload]], budget: int) -> list[Job[Payload]]:
    """Takes the oldest job and its neighbours in length out of the queue."""
    if not queue:
        return []
    chosen = _neighbours([job.tokens for job in islice(queue, WINDOW)], budget)
    window = [queue.popleft() for _ in range(min(WINDOW, len(queue)))]
    queue.extendleft(
        window[place] for place in range(len(window) - 1, -1, -1) if place not in chosen
    )
    return [job for place, job in enumerate(window) if place in chosen]


def _neighbours(tokens: Sequence[int], budget: int) -> set[int]:
    """Places of the first text and of those nearest to it in length that fit the budget."""
    chosen = {0}
    longest = tokens[0]
    by_closeness = sorted(
        range(1, len(tokens)), key=lambda place: (abs(tokens[place] - tokens[0]), place)
    )
    for place in by_closeness:
        widened = max(longest, tokens[place])
        if padded_tokens(len(chosen) + 1, widened) > budget:
            # The next ones are farther away; shorter ones may still fit where this did not.
            if tokens[place] <= longest:
                break
            continue
        chosen.add(place)
        longest = widened
    return chosen
