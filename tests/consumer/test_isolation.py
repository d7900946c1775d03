"""One failing item never costs its neighbours."""

from collections.abc import Sequence

import hypothesis.strategies as st
from hypothesis import given

from consumer.isolation import run_isolating


@given(st.lists(st.booleans(), min_size=1, max_size=64))
def test_exactly_the_guilty_fail(guilty: list[bool]) -> None:
    def run(items: Sequence[tuple[int, bool]]) -> list[int]:
        if any(bad for _, bad in items):
            raise RuntimeError("poison")
        return [place for place, _ in items]

    results = run_isolating(run, list(enumerate(guilty)))
    assert [isinstance(result, RuntimeError) for result in results] == guilty
    assert all(result == place for place, result in enumerate(results) if not guilty[place])


def test_a_batch_that_works_runs_once() -> None:
    calls: list[int] = []

    def run(items: Sequence[int]) -> Sequence[int]:
        calls.append(len(items))
        return items

    run_isolating(run, list(range(32)))
    assert calls == [32]


def test_one_guilty_of_many_is_found_in_logarithmic_runs() -> None:
    calls = 0

    def run(items: Sequence[int]) -> Sequence[int]:
        nonlocal calls
        calls += 1
        if 700 in items:
            raise RuntimeError("poison")
        return items

    run_isolating(run, list(range(1024)))
    assert calls <= 2 * 10 + 1
