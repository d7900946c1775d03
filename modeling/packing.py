"""Which texts run together: batches of similar length, which cost little padding."""

import random
from collections.abc import Sequence

# Padded tokens that a batch may cost where nobody waits for an answer: training and evaluation.
_OFFLINE_BUDGET = 8192


def length_grouped_batches(
    lengths: Sequence[int], rows: int, shuffle: random.Random
) -> list[list[int]]:
    """Splits row numbers into batches of similar length, in random order.

    Rows are shuffled, cut into stretches of several batches, and sorted by length only inside a
    stretch: little padding, and yet other neighbours at every call.

    Args:
        lengths: token count of each row.
        rows: rows of a batch; the last batch of a stretch may have fewer.
        shuffle: the source of randomness; the same state gives the same batches.
    """
    stretch = rows * 16
    order = list(range(len(lengths)))
    shuffle.shuffle(order)
    batches = []
    for start in range(0, len(order), stretch):
        alike = sorted(order[start : start + stretch], key=lengths.__getitem__)
        batches += [alike[first : first + rows] for first in range(0, len(alike), rows)]
    shuffle.shuffle(batches)
    return batches


def longest_first_batches(
    lengths: Sequence[int], token_budget: int = _OFFLINE_BUDGET
) -> list[list[int]]:
    """Splits row numbers into batches within a budget of padded tokens, the longest rows first.

    A row over the budget gets a batch of its own.

    Args:
        lengths: token count of each row.
        token_budget: padded tokens that a batch may cost: rows times the longest row.
    """
    batches: list[list[int]] = []
    width = 0
    for row in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if batches and (len(batches[-1]) + 1) * width <= token_budget:
            batches[-1].append(row)
        else:
            batches.append([row])
            width = lengths[row]
    return batches
