import numpy as np
import pytest

from modeling.calibration import taggings
from modeling.cross_fitting import cross_fitted
from modeling.dataset import truth_of
from modeling.evaluation import measure
from modeling.fitting import fit
from tests.modeling.every_kind import EVERY_KIND
from tests.modeling.examples import every_kind_examples

MESSAGES = 120


@pytest.fixture
def truth() -> dict[str, np.ndarray]:
    return truth_of(every_kind_examples(MESSAGES), EVERY_KIND)


def noise(seed: int = 0) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    widths = {"keys": 3, "topic": 2, "signs": 3, "stars": 1}
    return {name: draw.normal(size=(MESSAGES, width)) for name, width in widths.items()}


def test_a_threshold_fitted_to_luck_is_found_out(truth: dict[str, np.ndarray]) -> None:
    outputs = noise()
    # Nothing can be known of these rare labels, and yet thresholds can be found that suit them.
    truth["signs"] = (np.random.default_rng(5).random((MESSAGES, 3)) < 0.08).astype(float)
    tagged = taggings(EVERY_KIND, fit(EVERY_KIND, outputs, truth), outputs)
    in_sample = measure(EVERY_KIND, tagged, truth)
    honest = cross_fitted(EVERY_KIND, outputs, truth)
    assert honest.groups["signs"]["macro_f1"].mean < in_sample.groups["signs"]["macro_f1"] - 0.02


def test_without_anything_to_fit_both_figures_are_the_same(truth: dict[str, np.ndarray]) -> None:
    outputs = noise()
    tagged = taggings(EVERY_KIND, fit(EVERY_KIND, outputs, truth), outputs)
    in_sample = measure(EVERY_KIND, tagged, truth)
    honest = cross_fitted(EVERY_KIND, outputs, truth)
    # A temperature changes no label, and a regression has none.
    for group, figure in (("keys", "accuracy"), ("topic", "macro_f1"), ("stars", "rmse")):
        assert honest.groups[group][figure].mean == pytest.approx(in_sample.groups[group][figure])
        assert honest.groups[group][figure].deviation == pytest.approx(0.0)
    assert set(honest.groups["signs"]) == set(in_sample.groups["signs"])


def test_every_message_keeps_its_own_tagging(truth: dict[str, np.ndarray]) -> None:
    # Outputs that say everything: one message in another's place would show.
    outputs = noise()
    outputs["signs"] = 12.0 * truth["signs"] - 6.0 + 0.1 * outputs["signs"]
    outputs["stars"] = truth["stars"][:, None]
    honest = cross_fitted(EVERY_KIND, outputs, truth)
    assert honest.groups["signs"]["micro_f1"].mean == 1.0
    assert honest.groups["stars"]["rmse"].mean == 0.0


def test_the_same_messages_give_the_same_figures(truth: dict[str, np.ndarray]) -> None:
    first = cross_fitted(EVERY_KIND, noise(), truth)
    assert cross_fitted(EVERY_KIND, noise(), truth) == first
    assert cross_fitted(EVERY_KIND, noise(1), truth) != first
    assert any(spread.deviation > 0.0 for spread in first.groups["signs"].values())


def test_fewer_messages_than_parts_are_refused(truth: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="4 messages"):
        cross_fitted(
            EVERY_KIND,
            {name: values[:4] for name, values in noise().items()},
            {name: values[:4] for name, values in truth.items()},
        )
