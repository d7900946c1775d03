"""A model's directory: what is in it, how it is written, and how it is checked when read.

- `config.json`: the encoder's architecture, as transformers writes it;
- `model.safetensors`: `encoder.*`, `heads.*` and `feature_*`, half precision;
- `tokenizer.json`: as the tokenizers library writes it;
- `taxonomy.yaml`: the label groups that the heads answer;
- `ressenti.json`: the manifest: name, version, how texts are read, calibration;
- `README.md`: the model card.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel

from modeling.calibration import Calibration, mismatches
from modeling.directory_swap import probe, replaced_as_a_whole
from modeling.errors import OperatorError
from modeling.network import Network, Pooling
from modeling.taxonomy import Taxonomy, load_taxonomy

FORMAT = 1
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
TAXONOMY = "taxonomy.yaml"
MANIFEST = "ressenti.json"
CARD = "README.md"
ADVICE = "name the directory of a model that `ressenti train` wrote, or none for the starter"


class Manifest(BaseModel):
    """What Ressenti needs to know of a model beyond its weights.

    Attributes:
        format: version of this directory's layout.
        name: the model's name, as events and metrics carry it.
        version: the model's version.
        text_prefix: put before every text, as the encoder was trained to expect.
        max_tokens: longest input, special tokens included.
        pooling: how token vectors become one vector a text.
        calibration: temperatures, thresholds and the bar of review.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    text_prefix: str
    max_tokens: int = Field(ge=8)
    pooling: Pooling
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Model:
    """A model in memory; its network is in single precision and on the CPU."""

    manifest: Manifest
    taxonomy: Taxonomy
    tokenizer: Tokenizer
    network: Network


def save_model(directory: Path, model: Model, card: str) -> None:
    """Writes a model's directory; an older model in it is replaced as a whole, or not at all.

    Args:
        directory: made if missing. Files in it that are no model's stay.
        model: the model.
        card: the model card, Markdown.

    Raises:
        OperatorError: the directory cannot be written.
    """
    weights = {
        name: tensor.detach().to("cpu", torch.float16).contiguous()
        for name, tensor in model.network.state_dict().items()
        if tensor.is_floating_point()
    }
    taxonomy = yaml.safe_dump(
        model.taxonomy.model_dump(mode="json"), allow_unicode=True, sort_keys=False
    )
    with _told_when_unwritable(directory), replaced_as_a_whole(directory) as new:
        (new / WEIGHTS).write_bytes(save(weights, metadata={"format": "pt"}))
        model.network.config.to_json_file(new / CONFIG)
        # One line: the indented form of a vocabulary is twice as large.
        model.tokenizer.save(str(new / TOKENIZER), pretty=False)
        (new / TAXONOMY).write_text(taxonomy, encoding="utf-8")
        (new / CARD).write_text(card, encoding="utf-8")
        manifest = model.manifest.model_dump_json(indent=2) + "\n"
        (new / MANIFEST).write_text(manifest, encoding="utf-8")


def write_card(directory: Path, card: str) -> None:
    """Replaces a model's card.

    Raises:
        OperatorError: the directory cannot be written.
    """
    with _told_when_unwritable(directory):
        (directory / CARD).write_text(card, encoding="utf-8")


def require_writable(directory: Path) -> None:
    """Tries whether a model could be saved there, before hours are spent on it.

    Raises:
        OperatorError: it could not.
    """
    with _told_when_unwritable(directory):
        probe(directory)


@contextmanager
def _told_when_unwritable(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise OperatorError(
            f"cannot write the model to {directory}: {error}; free space or name another directory"
        ) from error


def load_model(directory: Path) -> Model:
    """Reads a model's directory and checks that its parts fit together.

    Raises:
        OperatorError: the directory is absent, incomplete, corrupt, of a newer format, or its
            parts do not fit together.
    """
    require_files(directory, (MANIFEST, CONFIG, WEIGHTS, TOKENIZER, TAXONOMY))
    manifest = _read_manifest(directory / MANIFEST)
    taxonomy = load_taxonomy(directory / TAXONOMY)
    wrong = mismatches(manifest.calibration, taxonomy)
    if wrong:
        raise OperatorError(f"{directory / MANIFEST}: {'; '.join(wrong)}; train the model again")
    config = read_config(directory)
    deepest = max(manifest.pooling.layers)
    if min(manifest.pooling.layers) < 0 or deepest > config.num_hidden_layers:
        raise OperatorError(
            f"{directory / MANIFEST} pools layer {deepest} of an encoder that has"
            f" {config.num_hidden_layers}; train the model again"
        )
    tokenizer = read_tokenizer(directory)
    if tokenizer.get_vocab_size() > config.vocab_size:
        raise OperatorError(
            f"{directory}: the tokenizer knows more tokens than the encoder; {ADVICE}"
        )
    network = Network(build_encoder(config, directory), taxonomy, manifest.pooling)
    fill(network, read_weights(directory), directory)
    return Model(manifest, taxonomy, tokenizer, network.eval())


def require_files(directory: Path, names: tuple[str, ...]) -> None:
    """Checks that a model's directory holds those files.

    Raises:
        OperatorError: the directory or a file is absent, or the weights are pickled.
    """
    if not directory.is_dir():
        raise OperatorError(f"there is no model directory {directory}; {ADVICE}")
    missing = [name for name in names if not (directory / name).is_file()]
    if WEIGHTS in missing and any(directory.glob("*.bin")):
        raise OperatorError(
            f"{directory} has pickled weights, which can run code when they are read;"
            f" convert them to {WEIGHTS}"
        )
    if missing:
        raise OperatorError(f"the model directory {directory} lacks {', '.join(missing)}; {ADVICE}")


def read_config(directory: Path) -> PreTrainedConfig:
    """Reads the encoder's architecture; code that comes with a model is never run.

    Raises:
        OperatorError: the file is corrupt, or transformers knows no such architecture.
    """
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise OperatorError(
            f"{directory / CONFIG} does not name an encoder that transformers has; {ADVICE}"
        ) from error
    return config


def build_encoder(config: PreTrainedConfig, directory: Path) -> PreTrainedModel:
    """An encoder of that architecture, its weights still random.

    Raises:
        OperatorError: the architecture's numbers do not fit together.
    """
    try:
        encoder: PreTrainedModel = AutoModel.from_config(  # type: ignore[no-untyped-call]
            config, dtype=torch.float32, trust_remote_code=False
        )
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise OperatorError(f"{directory / CONFIG} describes no encoder: {error}") from error
    return encoder


def read_tokenizer(directory: Path) -> Tokenizer:
    """Reads a tokenizer.

    Raises:
        OperatorError: the file is no tokenizer.
    """
    try:
        return Tokenizer.from_file(str(directory / TOKENIZER))
    # The library raises nothing more precise.
    except Exception as error:
        raise OperatorError(f"{directory / TOKENIZER} is not a tokenizer; {ADVICE}") from error


def read_weights(directory: Path) -> dict[str, Tensor]:
    """Reads a weights file.

    Raises:
        OperatorError: the file is not safetensors, or cut short.
    """
    try:
        return load_file(directory / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise OperatorError(
            f"{directory / WEIGHTS} is not a whole safetensors file; copy the model again"
        ) from error


def fill(network: Network, weights: dict[str, Tensor], directory: Path) -> None:
    """Puts weights into a network; every parameter must be there, finite and of its shape.

    Raises:
        OperatorError: the weights are another network's.
    """
    wanted: dict[str, Any] = {
        name: tensor for name, tensor in network.state_dict().items() if tensor.is_floating_point()
    }
    odd = sorted(wanted.keys() ^ weights.keys()) or sorted(
        name for name in wanted if wanted[name].shape != weights[name].shape
    )
    if odd:
        raise OperatorError(
            f"{directory / WEIGHTS} does not fit {CONFIG} and {TAXONOMY} ({odd[0]} and"
            f" {len(odd) - 1} more differ); {ADVICE}"
        )
    broken = sorted(name for name in weights if not bool(weights[name].isfinite().all()))
    if broken:
        raise OperatorError(
            f"{directory / WEIGHTS}: {broken[0]} has numbers that are not finite;"
            " train the model again"
        )
    network.load_state_dict(weights, strict=False)


def _read_manifest(path: Path) -> Manifest:
    try:
        text = path.read_text(encoding="utf-8")
        found = _Format.model_validate_json(text).format
        if found > FORMAT:
            raise OperatorError(
                f"{path} has format {found}, and this Ressenti reads up to {FORMAT};"
                " upgrade Ressenti"
            )
        return Manifest.model_validate_json(text)
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"cannot read {path}: {error}; {ADVICE}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise OperatorError(
            f"{path} is not a model's manifest: {where}: {first['msg']}; {ADVICE}"
        ) from error


class _Format(BaseModel):
    format: int
