import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

from modeling.encoders import load_encoder
from modeling.errors import OperatorError
from modeling.model_files import load_model
from tests.conftest import tiny_tokenizer


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """An encoder as it comes from a hub: no heads, dropout, a pooler."""
    tokenizer = tiny_tokenizer()
    encoder = BertModel(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=40,
        )
    )
    encoder.save_pretrained(tmp_path)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_plain_encoder_is_read_with_its_own_length_and_without_dropout(plain: Path) -> None:
    found = load_encoder(plain)
    weights = load_file(plain / "model.safetensors")
    name = "encoder.layer.2.output.dense.weight"
    assert torch.equal(found.encoder.state_dict()[name], weights[name])
    assert (found.max_tokens, found.text_prefix) == (40, None)
    assert max(found.pooling.layers) == 3
    assert {each.p for each in found.encoder.modules() if isinstance(each, torch.nn.Dropout)} == {
        0.0
    }


def test_a_ressenti_model_gives_its_encoder_and_how_it_reads(tiny_model: Path) -> None:
    found, model = load_encoder(tiny_model), load_model(tiny_model)
    assert found.max_tokens == model.manifest.max_tokens
    assert found.pooling == model.manifest.pooling
    assert found.text_prefix == ""
    for name, tensor in model.network.encoder.state_dict().items():
        assert torch.equal(found.encoder.state_dict()[name], tensor)


def test_weights_that_lack_a_layer_are_refused_not_made_up(plain: Path) -> None:
    path = plain / "model.safetensors"
    weights = {name: each for name, each in load_file(path).items() if "layer.1." not in name}
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(OperatorError, match=r"lacks encoder\.layer\.1\."):
        load_encoder(plain)


def test_a_config_of_other_sizes_is_refused(plain: Path) -> None:
    config = json.loads((plain / "config.json").read_text())
    (plain / "config.json").write_text(json.dumps(config | {"intermediate_size": 48}))
    with pytest.raises(OperatorError, match=r"does not fit config\.json"):
        load_encoder(plain)


def test_pickled_weights_are_refused(plain: Path) -> None:
    (plain / "model.safetensors").rename(plain / "pytorch_model.bin")
    with pytest.raises(OperatorError, match="pickled weights"):
        load_encoder(plain)
