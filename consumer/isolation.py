"""Finds the guilty one: a batch that fails is halved until the message at fault is alone."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_isolating(
    run: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item]
) -> list[Result | Exception]:
    """Runs a batch; where it fails, its halves, down to single items.

    Args:
        run: gives one result for each item, or raises.
        items: the batch.

    Returns:
        For each item its result, or the error that it raises when run alone.
    """
    try:
        return list(run(items))
    except Exception as error:  # whatever one message provokes must not cost others
        if len(items) == 1:
            return [error]
        middle = len(items) // 2
        return run_isolating(run, items[:middle]) + run_isolating(run, items[middle:])
