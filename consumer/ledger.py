"""What is in hand of one partition, and what of it may be published and committed.

Pure. Messages are settled in any order, as batches finish; they are published in the order of
their offsets, so that the order within a key is kept and the committed offset never runs ahead of
a message that is still in hand.
"""

from collections import deque
from typing import Generic, TypeVar

Outcome = TypeVar("Outcome")


class PartitionLedger(Generic[Outcome]):
    """The messages of one partition between being read and being published.

    Attributes:
        held_bytes: how large they are together.
    """

    def __init__(self) -> None:
        self.held_bytes = 0
        self._admitted: deque[tuple[int, int]] = deque()
        self._settled: dict[int, Outcome] = {}

    def __len__(self) -> int:
        return len(self._admitted)

    def admit(self, offset: int, size: int) -> None:
        """Notes that a message of `size` bytes was read.

        Raises:
            ValueError: the offset does not come after the one before it.
        """
        if self._admitted and offset <= self._admitted[-1][0]:
            raise ValueError(f"offset {offset} read after {self._admitted[-1][0]}")
        self._admitted.append((offset, size))
        self.held_bytes += size

    def settle(self, offset: int, outcome: Outcome) -> None:
        """Notes what became of a message."""
        self._settled[offset] = outcome

    def take_settled(self) -> list[tuple[int, Outcome]]:
        """Takes out the settled messages, in order, up to the first one still in hand."""
        taken = []
        while self._admitted and self._admitted[0][0] in self._settled:
            offset, size = self._admitted.popleft()
            self.held_bytes -= size
            taken.append((offset, self._settled.pop(offset)))
        return taken
