import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import cohen_kappa_score, f1_score

from modeling.measures import calibration_error, f1_of_labels, micro_f1, quadratic_kappa

FLAGS = arrays.arrays(np.int64, (12, 4), elements=st.integers(0, 1))
STEPS = arrays.arrays(np.int64, 30, elements=st.integers(0, 4))


@given(FLAGS, FLAGS)
def test_f1_agrees_with_scikit_learn(held: np.ndarray, truth: np.ndarray) -> None:
    macro = f1_score(truth, held, average="macro", zero_division=0)
    assert f1_of_labels(held, truth).mean() == pytest.approx(macro)
    micro = f1_score(truth, held, average="micro", zero_division=0)
    assert micro_f1(held, truth) == pytest.approx(micro)


@given(STEPS, STEPS)
def test_quadratic_kappa_agrees_with_scikit_learn(predicted: np.ndarray, truth: np.ndarray) -> None:
    if len(set(predicted) | set(truth)) == 1:
        assert quadratic_kappa(predicted, truth, 5) == 1.0
        return
    expected = cohen_kappa_score(truth, predicted, labels=range(5), weights="quadratic")
    assert quadratic_kappa(predicted, truth, 5) == pytest.approx(expected)


def test_a_label_that_never_occurs_counts_in_the_macro_f1() -> None:
    truth = np.asarray([[1, 0], [1, 0]])
    assert f1_of_labels(truth, truth).tolist() == [1.0, 0.0]


def test_calibration_error_is_the_weighted_gap_of_each_bin() -> None:
    probability = np.asarray([0.9, 0.9, 0.9, 0.9, 0.1, 0.1])
    happened = np.asarray([1, 1, 1, 0, 0, 0])
    # Two bins: four times |0.9 - 0.75| and twice |0.1 - 0|.
    assert calibration_error(probability, happened) == pytest.approx((4 * 0.15 + 2 * 0.1) / 6)


def test_certain_and_right_is_perfectly_calibrated() -> None:
    assert calibration_error(np.asarray([1.0, 1.0, 0.0]), np.asarray([1, 1, 0])) == 0.0
