import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.ordinal import expectation


def test_the_expectation_weighs_the_steps() -> None:
    assert expectation([0.5, 0.0, 0.0, 0.0, 0.5]) == pytest.approx(2.0)
    assert expectation([0.0, 0.25, 0.75]) == pytest.approx(1.75)


@given(st.integers(2, 9).flatmap(lambda k: st.tuples(st.integers(0, k - 1), st.just(k))))
def test_a_certain_step_is_its_own_score(case: tuple[int, int]) -> None:
    step, steps = case
    assert expectation([float(each == step) for each in range(steps)]) == step
