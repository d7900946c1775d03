import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from modeling.engine import Engine
from modeling.errors import OperatorError
from modeling.model_files import Model, load_model, save_model, write_card
from modeling.taxonomy import default_taxonomy
from tests.modeling.every_kind import EVERY_KIND, write_every_kind_model

Damage = Callable[[Path], object]


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))


def change_manifest(directory: Path, **changes: object) -> None:
    path = directory / "ressenti.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(directory: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    path = directory / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path)


def test_a_saved_model_is_loaded_with_the_same_weights_and_manifest(
    copy: Path, tmp_path: Path
) -> None:
    first = load_model(copy)
    save_model(tmp_path / "again", first, "# card\n")
    second = load_model(tmp_path / "again")
    assert second.manifest == first.manifest
    assert second.taxonomy == first.taxonomy == default_taxonomy()
    assert second.tokenizer.to_str() == first.tokenizer.to_str()
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[name], tensor), name
    assert (tmp_path / "again" / "README.md").read_text() == "# card\n"


def test_weights_are_stored_in_half_precision_and_named_by_part(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    parts = {name.split(".")[0] for name in weights}
    assert parts == {"encoder", "heads", "feature_mean", "feature_spread"}


def test_another_taxonomy_travels_with_its_model(tmp_path: Path) -> None:
    assert load_model(write_every_kind_model(tmp_path / "model")).taxonomy == EVERY_KIND


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (shutil.rmtree, "there is no model directory"),
        (lambda d: (d / "tokenizer.json").unlink(), "lacks tokenizer.json"),
        (lambda d: (d / "config.json").write_text("{"), "config.json"),
        (lambda d: (d / "config.json").write_text('{"model_type": "x"}'), "config.json"),
        (lambda d: (d / "tokenizer.json").write_text("{}"), "is not a tokenizer"),
        (lambda d: (d / "taxonomy.yaml").write_text("name: x"), "is not a taxonomy"),
        (lambda d: (d / "ressenti.json").write_text("{}"), "is not a model's manifest"),
        (lambda d: (d / "ressenti.json").write_bytes(b"\xff\xfe"), "ressenti.json"),
        (lambda d: change_manifest(d, format=2), "upgrade Ressenti"),
        (lambda d: change_manifest(d, max_tokens="many"), "max_tokens"),
        (lambda d: change_manifest(d, pooling={"layers": [7]}), "pools layer 7"),
        (lambda d: change_manifest(d, calibration={"groups": {}, "review_below": 0}), "group"),
        (
            lambda d: (d / "model.safetensors").write_bytes(
                (d / "model.safetensors").read_bytes()[:-100]
            ),
            "is not a whole safetensors file",
        ),
        (
            lambda d: (d / "model.safetensors").write_bytes(pickle.dumps({"a": 1})),
            "is not a whole safetensors file",
        ),
        (
            lambda d: (d / "model.safetensors").rename(d / "pytorch_model.bin"),
            "pickled weights",
        ),
        (
            lambda d: change_weights(d, lambda w: w.pop("heads.emotions_head.bias")),
            "heads.emotions_head.bias",
        ),
        (
            lambda d: change_weights(
                d, lambda w: w.update({"heads.causes_head.bias": torch.zeros(3)})
            ),
            "heads.causes_head.bias",
        ),
        (
            lambda d: change_weights(d, lambda w: w["heads.causes_head.bias"].fill_(torch.nan)),
            "not finite",
        ),
    ],
)
def test_a_damaged_model_is_refused_with_a_line_that_names_the_damage(
    copy: Path, damage: Damage, told: str
) -> None:
    damage(copy)
    with pytest.raises(OperatorError, match=told) as raised:
        Engine.load(copy, "cpu")
    assert "\n" not in str(raised.value)


def test_code_that_comes_with_a_model_is_never_run(copy: Path, tmp_path: Path) -> None:
    witness = tmp_path / "was-run"
    (copy / "evil.py").write_text(f"open({str(witness)!r}, 'w')\nclass Config: pass\n")
    config = json.loads((copy / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config"}}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(OperatorError):
        load_model(copy)
    assert not witness.exists()


def test_a_model_that_cannot_be_written_is_the_operators_to_put_right(
    copy: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="cannot write the model"):
        save_model(tmp_path / "file" / "model", load_model(copy), "")


class DyingTokenizer:
    """Ends the process's work in the middle of a model's files."""

    def save(self, path: str, pretty: bool) -> None:
        raise KeyboardInterrupt


def test_a_model_saved_half_leaves_the_old_one_whole(copy: Path) -> None:
    old = load_model(copy)
    network = load_model(copy).network
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    half = Model(old.manifest, old.taxonomy, cast("Tokenizer", DyingTokenizer()), network)
    with pytest.raises(KeyboardInterrupt):
        save_model(copy, half, "")
    still = load_model(copy).network.state_dict()
    for name, tensor in old.network.state_dict().items():
        assert torch.equal(still[name], tensor), name


def test_what_a_person_put_beside_a_model_outlives_its_replacement(copy: Path) -> None:
    (copy / "NOTICE").write_text("notice")
    save_model(copy, load_model(copy), "# another card\n")
    assert (copy / "NOTICE").read_text() == "notice"
    assert (copy / "README.md").read_text() == "# another card\n"


def test_a_card_that_cannot_be_written_is_the_operators_to_put_right(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot write the model"):
        write_card(tmp_path / "nowhere", "# card\n")
