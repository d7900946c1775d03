import random

from hypothesis import given
from hypothesis import strategies as st

from modeling.packing import length_grouped_batches, longest_first_batches

LENGTHS = st.lists(st.integers(1, 600), max_size=300)


def padded_tokens(lengths: list[int]) -> int:
    return len(lengths) * max(lengths)


@given(LENGTHS, st.integers(1, 40), st.integers(0, 5))
def test_length_grouped_batches_hold_every_row_once(
    lengths: list[int], rows: int, seed: int
) -> None:
    batches = length_grouped_batches(lengths, rows, random.Random(seed))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(0 < len(batch) <= rows for batch in batches)


def test_length_grouping_saves_most_of_the_padding() -> None:
    draw = random.Random(0)
    lengths = [draw.choice([10, 20, 50, 100, 500]) for _ in range(800)]
    batches = length_grouped_batches(lengths, 16, random.Random(1))
    cost = sum(padded_tokens([lengths[row] for row in batch]) for batch in batches)
    assert cost < 1.2 * sum(lengths)


def test_length_grouped_batches_change_from_epoch_to_epoch_and_repeat_with_the_seed() -> None:
    lengths = list(range(1, 200))
    shuffle = random.Random(3)
    first, second = (length_grouped_batches(lengths, 8, shuffle) for _ in range(2))
    assert first != second
    assert first == length_grouped_batches(lengths, 8, random.Random(3))


@given(LENGTHS, st.integers(1, 4000))
def test_longest_first_batches_hold_every_row_once_and_keep_the_budget(
    lengths: list[int], budget: int
) -> None:
    batches = longest_first_batches(lengths, budget)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or padded_tokens([lengths[row] for row in batch]) <= budget
