import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modeling.calibration import (
    Calibration,
    GroupCalibration,
    mismatches,
    probabilities,
    sigmoid,
    softmax,
    taggings,
)
from modeling.taxonomy import default_taxonomy
from tests.modeling.every_kind import EVERY_KIND
from tests.modeling.neutral import neutral_calibration

OUTPUTS = arrays.arrays(np.float64, (4, 3), elements=st.floats(-1e4, 1e4))


@given(OUTPUTS)
def test_softmax_sums_to_one_and_keeps_the_order(outputs: np.ndarray) -> None:
    values = softmax(outputs)
    assert values.sum(axis=1) == pytest.approx(1.0)
    best = np.take_along_axis(values, outputs.argmax(axis=1)[:, None], axis=1)
    assert (best >= values).all()


@given(OUTPUTS)
def test_sigmoid_is_symmetric_and_bounded(outputs: np.ndarray) -> None:
    values = sigmoid(outputs)
    assert ((values >= 0.0) & (values <= 1.0)).all()
    assert values + sigmoid(-outputs) == pytest.approx(1.0)


def test_a_high_temperature_makes_a_group_less_sure() -> None:
    group = EVERY_KIND.group("keys")
    outputs = np.asarray([[3.0, 0.0, 0.0]])
    cold = probabilities(group, GroupCalibration(temperatures=(1.0,)), outputs)
    warm = probabilities(group, GroupCalibration(temperatures=(4.0,)), outputs)
    assert 1 / 3 < warm[0, 0] < cold[0, 0]


def one_message(**changes: object) -> dict[str, np.ndarray]:
    outputs = {
        "keys": np.asarray([[0.0, 4.0, 0.0]]),
        "topic": np.asarray([[3.0, 0.0]]),
        "signs": np.asarray([[2.0, -2.0, 0.1]]),
        "stars": np.asarray([[4.25]]),
    }
    return outputs | {name: np.asarray(value) for name, value in changes.items()}


def test_a_label_holds_from_its_own_threshold_on() -> None:
    neutral = neutral_calibration(EVERY_KIND)
    signs = GroupCalibration(temperatures=(1.0,) * 3, thresholds=(0.9, 0.1, 0.5))
    calibration = Calibration(groups={**neutral.groups, "signs": signs}, review_below=0.0)
    (tagging,) = taggings(EVERY_KIND, calibration, one_message())
    assert tagging.groups["signs"].labels == ("B", "never")


def test_the_confidence_is_the_lowest_of_the_groups() -> None:
    calibration = neutral_calibration(EVERY_KIND)
    (tagging,) = taggings(EVERY_KIND, calibration, one_message(signs=[[2.0, -2.0, 9.0]]))
    sure = 1.0 / (1.0 + np.exp(-2.0))
    assert tagging.confidence == pytest.approx((sure + sure + sigmoid(np.asarray(9.0))) / 3)
    (doubtful,) = taggings(EVERY_KIND, calibration, one_message(topic=[[0.2, 0.0]]))
    assert doubtful.confidence == pytest.approx(1.0 / (1.0 + np.exp(-0.2)))


def test_a_message_under_the_bar_needs_review() -> None:
    neutral = neutral_calibration(EVERY_KIND)
    strict = Calibration(groups=neutral.groups, review_below=0.99)
    assert not taggings(EVERY_KIND, neutral, one_message())[0].needs_review
    assert taggings(EVERY_KIND, strict, one_message())[0].needs_review


def test_a_regression_gives_its_value_as_it_is() -> None:
    (tagging,) = taggings(EVERY_KIND, neutral_calibration(EVERY_KIND), one_message())
    assert tagging.groups["stars"].score == 4.25


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_an_output_that_is_not_finite_is_an_error(broken: float) -> None:
    with pytest.raises(FloatingPointError):
        taggings(EVERY_KIND, neutral_calibration(EVERY_KIND), one_message(stars=[[broken]]))


def test_a_calibration_of_another_taxonomy_is_told_apart() -> None:
    assert mismatches(neutral_calibration(EVERY_KIND), EVERY_KIND) == []
    assert len(mismatches(neutral_calibration(EVERY_KIND), default_taxonomy())) == 3
    frozen = neutral_calibration(EVERY_KIND)
    zero = GroupCalibration(temperatures=(0.0,))
    broken = Calibration(groups={**frozen.groups, "keys": zero}, review_below=0.0)
    assert len(mismatches(broken, EVERY_KIND)) == 1
