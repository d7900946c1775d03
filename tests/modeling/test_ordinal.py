import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.ordinal import expectation, most_probable, nearest_step


def test_the_expectation_weighs_the_steps() -> None:
    assert expectation([0.5, 0.0, 0.0, 0.0, 0.5]) == pytest.approx(2.0)
    assert expectation([0.0, 0.25, 0.75]) == pytest.approx(1.75)


def test_a_tie_goes_to_the_lower_step() -> None:
    assert most_probable([0.1, 0.45, 0.45]) == 1


@pytest.mark.parametrize(("score", "step"), [(-0.4, 0), (0.5, 1), (1.49, 1), (3.6, 4), (9.0, 4)])
def test_a_score_rounds_to_the_nearest_step_of_the_scale(score: float, step: int) -> None:
    assert nearest_step(score, 5) == step


@given(st.integers(2, 9).flatmap(lambda k: st.tuples(st.integers(0, k - 1), st.just(k))))
def test_a_certain_step_is_its_own_score(case: tuple[int, int]) -> None:
    step, steps = case
    certain = [float(each == step) for each in range(steps)]
    assert most_probable(certain) == step
    assert nearest_step(expectation(certain), steps) == step
