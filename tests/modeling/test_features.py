from pathlib import Path

import numpy as np
import torch

from modeling.dataset import targets
from modeling.features import frozen_features, start_heads
from modeling.model_files import load_model
from tests.modeling.every_kind import EVERY_KIND, write_every_kind_model
from tests.modeling.examples import every_kind_examples


def test_heads_start_as_regressions_on_the_frozen_features(tmp_path: Path) -> None:
    network = load_model(write_every_kind_model(tmp_path)).network
    examples = every_kind_examples(300)
    truth = {group.name: targets(examples, group) for group in EVERY_KIND.groups}
    draw = np.random.default_rng(0)
    # Features that say everything, far from zero and of very different sizes.
    told = np.concatenate((np.eye(3)[truth["keys"].astype(int)], truth["signs"][:, :2]), axis=1)
    features = draw.normal(size=(300, 64)) * 0.1 + 50.0
    features[:, :5] += told
    features[:, 5:] *= np.logspace(-2, 2, 59)
    start_heads(network, EVERY_KIND, features, truth)
    with torch.inference_mode():
        outputs = network.answers(torch.from_numpy(features).float())
    assert (outputs["keys"].argmax(1).numpy() == truth["keys"]).mean() > 0.95
    assert (outputs["topic"].argmax(1).numpy() == truth["topic"]).mean() > 0.95
    assert ((outputs["signs"] > 0).numpy() == truth["signs"]).mean() > 0.95
    assert np.abs(outputs["stars"][:, 0].numpy() - truth["stars"]).mean() < 0.3


def test_a_label_that_no_message_has_starts_at_its_small_odds(tmp_path: Path) -> None:
    network = load_model(write_every_kind_model(tmp_path)).network
    examples = every_kind_examples(100)
    truth = {group.name: targets(examples, group) for group in EVERY_KIND.groups}
    truth["keys"] = np.minimum(truth["keys"], 1)
    features = np.random.default_rng(0).normal(size=(100, 64))
    start_heads(network, EVERY_KIND, features, truth)
    with torch.inference_mode():
        outputs = network.answers(torch.from_numpy(features).float())
    assert (torch.sigmoid(outputs["signs"][:, 2]) < 0.01).all()
    assert (torch.softmax(outputs["keys"], dim=1)[:, 2] < 0.05).all()


def test_frozen_features_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    network = load_model(write_every_kind_model(tmp_path)).network
    encodings = [[1, *range(3, 3 + length), 2] for length in (1, 30, 7, 50, 2)]
    together = frozen_features(network, encodings)
    for row, encoding in enumerate(encodings):
        alone = frozen_features(network, [encoding])[0]
        assert np.allclose(together[row], alone, atol=0.05)
    assert together.shape == (5, 64)
