"""What is in hand of one partition, and what of it may be published and committed.

Pure. Messages are settled in any order, as batches finish; they are published in the order of
their offsets, so that the order within a key is kept and the committed offset never runs ahead of
a message that is still in hand.
"""

from collections import deque
from typing import Generic, TypeVar

Outcome = TypeVar("Outcome")


class PartitionLedger(Generic[Outcome]):
    """The messages of one partition between being read and being committed."""

    def __init__(self) -> None:
        self._admitted: deque[int] = deque()
        self._settled: dict[int, Outcome] = {}

    def __len__(self) -> int:
        return len(self._admitted)

    def admit(self, offset: int) -> None:
        """Notes that a message was read.

        Raises:
            ValueError: the offset does not come after the one before it.
        """
        if self._admitted and offset <= self._admitted[-1]:
            raise ValueError(f"offset {offset} read after {self._admitted[-1]}")
        self._admitted.append(offset)

    def settle(self, offset: int, outcome: Outcome) -> None:
        """Notes what became of a message."""
        self._settled[offset] = outcome

    def take_settled(self) -> list[tuple[int, Outcome]]:
        """Takes out the settled messages, in order, up to the first one still in hand."""
        taken = []
        while self._admitted and self._admitted[0] in self._settled:
            offset = self._admitted.popleft()
            taken.append((offset, self._settled.pop(offset)))
        return taken
