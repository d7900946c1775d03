"""How a model is trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from modeling.errors import OperatorError


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How to train; `modeling/recipes` has the settings that made the starter.

    Attributes:
        name: the new model's name.
        version: the new model's version.
        epochs: how often the training messages are read; 0 keeps the frozen encoder.
        batch_rows: messages of one step.
        encoder_rate: highest learning rate of the encoder's last layer.
        head_rate: highest learning rate of the heads.
        layer_decay: each layer learns this much more slowly than the one above it.
        weight_decay: of weight matrices; biases and norms have none.
        warm_up: share of all steps in which the rates rise; then they fall to zero.
        clip: longest gradient.
        dropout: share of pooled features dropped before the heads.
        loss_weights: weight of a group's loss by its name; the kind's default where absent.
        rare_weight: a label of a multilabel group counts (negatives / positives) to this power more
            where it holds; 0 counts all messages alike.
        text_prefix: put before every text; None: what the encoder's own manifest says, or nothing.
        max_tokens: longest input; None: the encoder's own.
        seed: the same seed, data and machine give the same model.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
    """

    name: str = "ressenti"
    version: str = "1"
    epochs: int = 4
    batch_rows: int = 16
    encoder_rate: float = 1e-4
    head_rate: float = 5e-4
    layer_decay: float = 0.9
    weight_decay: float = 0.01
    warm_up: float = 0.1
    clip: float = 1.0
    dropout: float = 0.1
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    rare_weight: float = 0.5
    text_prefix: str | None = None
    max_tokens: int | None = None
    seed: int = 1
    device: str = "auto"


def load_training_settings(path: Path) -> TrainingSettings:
    """Reads settings from a YAML file; what it does not name keeps its default.

    Raises:
        OperatorError: the file cannot be read, or names a setting or value that is none.
    """
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return TypeAdapter(TrainingSettings).validate_python(given)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OperatorError(f"cannot read the training settings {path}: {error}") from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise OperatorError(f"{path}: {where}: {problem['msg']}; correct it") from error
