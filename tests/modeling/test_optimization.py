from pathlib import Path

import pytest

from modeling.model_files import load_model
from modeling.optimization import parameter_groups, rate_factor
from modeling.training_settings import TrainingSettings


def test_the_rate_rises_to_one_and_falls_to_zero() -> None:
    factors = [rate_factor(step, 100, 0.1) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == factors[9] == factors[10] == 1.0
    assert factors[100] == 0.0
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_lower_layers_learn_more_slowly_and_only_matrices_decay(tiny_model: Path) -> None:
    network = load_model(tiny_model).network
    settings = TrainingSettings(encoder_rate=1.0, head_rate=7.0, layer_decay=0.5, weight_decay=0.3)
    found = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in parameter_groups(network, settings)
        for parameter in group["params"]  # type: ignore[union-attr]
    }
    of = {name: found.get(id(each)) for name, each in network.named_parameters()}
    assert of["heads.causes_head.weight"] == (7.0, 0.3)
    assert of["heads.causes_head.bias"] == (7.0, 0.0)
    assert of["encoder.encoder.layer.1.output.dense.weight"] == (1.0, 0.3)
    assert of["encoder.encoder.layer.0.output.dense.weight"] == (0.5, 0.3)
    assert of["encoder.embeddings.LayerNorm.bias"] == (0.25, 0.0)
    assert of["encoder.embeddings.word_embeddings.weight"] is None
