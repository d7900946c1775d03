"""What may be published and committed of a partition."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from consumer.ledger import PartitionLedger


@given(
    st.lists(st.integers(1, 5), max_size=50).flatmap(
        lambda gaps: st.tuples(st.just(gaps), st.permutations(range(len(gaps))))
    ),
    st.data(),
)
def test_messages_leave_once_in_order_and_never_past_one_in_hand(
    plan: tuple[list[int], list[int]], data: st.DataObject
) -> None:
    gaps, order = plan
    offsets = [sum(gaps[: place + 1]) for place in range(len(gaps))]  # compaction leaves gaps
    ledger: PartitionLedger[int] = PartitionLedger()
    for offset in offsets:
        ledger.admit(offset, 10)
    taken: list[int] = []
    settled: set[int] = set()
    for place in order:
        ledger.settle(offsets[place], place)
        settled.add(offsets[place])
        if data.draw(st.booleans()):
            taken += [offset for offset, _ in ledger.take_settled()]
            ahead = [offset for offset in offsets if offset not in settled]
            assert not taken or not ahead or taken[-1] < ahead[0]
    assert ledger.held_bytes == 10 * len(ledger)
    taken += [offset for offset, _ in ledger.take_settled()]
    assert taken == offsets
    assert len(ledger) == 0


def test_a_message_comes_with_its_outcome() -> None:
    ledger: PartitionLedger[str] = PartitionLedger()
    ledger.admit(7, 10)
    ledger.admit(9, 5)
    ledger.settle(9, "late")
    assert ledger.take_settled() == []
    ledger.settle(7, "early")
    assert ledger.take_settled() == [(7, "early"), (9, "late")]


def test_an_offset_that_goes_back_is_refused() -> None:
    ledger: PartitionLedger[str] = PartitionLedger()
    ledger.admit(7, 10)
    with pytest.raises(ValueError, match="offset 7 read after 7"):
        ledger.admit(7, 10)
