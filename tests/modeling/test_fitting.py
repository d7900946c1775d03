import numpy as np
import pytest

from modeling.calibration import mismatches, probabilities, sigmoid, softmax
from modeling.dataset import targets
from modeling.fitting import fit, label_temperatures, label_thresholds, softmax_temperature
from modeling.measures import calibration_error, f1_of_labels
from tests.modeling.every_kind import EVERY_KIND
from tests.modeling.examples import every_kind_examples


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(0)


def drawn_classes(draw: np.random.Generator, outputs: np.ndarray) -> np.ndarray:
    chances = softmax(outputs).cumsum(axis=1)
    classes: np.ndarray = (draw.random((len(outputs), 1)) > chances).sum(axis=1).astype(float)
    return classes


def test_the_temperature_undoes_overconfidence(draw: np.random.Generator) -> None:
    honest = draw.normal(size=(4000, 4)) * 2.0
    truth = drawn_classes(draw, honest)
    temperature = softmax_temperature(honest * 3.0, truth)
    assert temperature == pytest.approx(3.0, rel=0.1)
    values = softmax(honest * 3.0 / temperature)
    right = values.argmax(axis=1) == truth
    assert calibration_error(values.max(axis=1), right) < 0.03


def test_each_label_finds_its_own_temperature_when_there_is_enough_to_see(
    draw: np.random.Generator,
) -> None:
    honest = draw.normal(size=(4000, 2)) * 2.0
    truth = (draw.random(honest.shape) < sigmoid(honest)).astype(float)
    found = label_temperatures(honest * np.asarray([2.0, 0.5]), truth)
    assert found == pytest.approx((2.0, 0.5), rel=0.15)


def test_a_label_that_was_never_seen_keeps_a_temperature_near_the_groups(
    draw: np.random.Generator,
) -> None:
    honest = np.concatenate((draw.normal(size=(100, 3)) * 2.0, np.full((100, 1), -4.0)), axis=1)
    truth = (draw.random(honest.shape) < sigmoid(honest)).astype(float)
    truth[:, 3] = 0.0
    found = label_temperatures(honest, truth)
    assert found[3] > 0.5


def test_thresholds_raise_the_f1_of_a_rare_label(draw: np.random.Generator) -> None:
    outputs = draw.normal(size=(3000, 1)) * 1.5 - 2.5
    truth = (draw.random(outputs.shape) < sigmoid(outputs)).astype(float)
    values = sigmoid(outputs)
    (threshold,) = label_thresholds(values, truth)
    at_half = f1_of_labels(values >= 0.5, truth)[0]
    chosen = f1_of_labels(values >= threshold, truth)[0]
    assert threshold < 0.45
    assert chosen > at_half + 0.05


def test_a_label_with_two_positives_does_not_get_a_threshold_of_its_own_luck(
    draw: np.random.Generator,
) -> None:
    values = draw.random((200, 6)) * 0.3
    truth = np.zeros_like(values)
    truth[:60, :5] = 1.0
    values[:60, :5] = 0.6 + 0.3 * draw.random((60, 5))
    # The rare label's two positives are drowned in noise: F1 alone would follow the noise.
    truth[[3, 150], 5] = 1.0
    values[[3, 150], 5] = 0.299
    thresholds = label_thresholds(values, truth)
    assert thresholds[5] > 0.3


def test_a_label_that_was_never_seen_gets_a_high_threshold(draw: np.random.Generator) -> None:
    values = draw.random((200, 3)) * 0.3
    truth = np.zeros_like(values)
    truth[:60, :2] = 1.0
    values[:60, :2] = 0.6 + 0.3 * draw.random((60, 2))
    assert label_thresholds(values, truth)[2] > 0.5


def test_a_fitted_calibration_fits_its_taxonomy_and_marks_a_fifth_for_review(
    draw: np.random.Generator,
) -> None:
    examples = every_kind_examples(200)
    truth = {group.name: targets(examples, group) for group in EVERY_KIND.groups}
    outputs = {
        "keys": draw.normal(size=(200, 3)),
        "topic": draw.normal(size=(200, 2)),
        "signs": draw.normal(size=(200, 3)),
        "stars": draw.normal(size=(200, 1)),
    }
    calibration = fit(EVERY_KIND, outputs, truth)
    assert mismatches(calibration, EVERY_KIND) == []
    group = EVERY_KIND.group("topic")
    assert probabilities(group, calibration.groups["topic"], outputs["topic"]).shape == (200, 2)
    assert 0.3 < calibration.review_below < 1.0
