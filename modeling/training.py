"""Trains a model: heads started on frozen features, then everything fine-tuned together."""

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from modeling.batches import pad
from modeling.calibration import Calibration, taggings
from modeling.card import model_card
from modeling.cross_fitting import FOLDS, cross_fitted, evaluate_own_calibration
from modeling.dataset import TRAIN, VALIDATION, Example, identity, load, truth_of
from modeling.devices import mixed_precision, resolve_device
from modeling.encoders import load_encoder
from modeling.engine import Engine, starter_directory
from modeling.errors import OperatorError
from modeling.evaluation import Evaluation, measure
from modeling.features import frozen_features, start_heads
from modeling.fitting import fit
from modeling.model_files import Manifest, Model, require_writable, save_model, write_card
from modeling.network import Network, combined_loss
from modeling.optimization import parameter_groups, rate_factor
from modeling.packing import length_grouped_batches, longest_first_batches
from modeling.taxonomy import Kind, Taxonomy, default_taxonomy
from modeling.tokenization import Encoding, MessageTokenizer
from modeling.training_settings import TrainingSettings

__all__ = ["EpochReport", "TrainingSettings", "raw_outputs", "selection_score", "train"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What an epoch brought.

    Attributes:
        epoch: its number; 0 is the frozen encoder with its regressions.
        epochs: how many there will be.
        loss: mean training loss; not a number for epoch 0.
        evaluation: figures on the validation messages, calibrated on them and cross-fitted.
        score: what the best epoch is chosen by, from the cross-fitted figures.
        seconds: how long it took, validation included.
    """

    epoch: int
    epochs: int
    loss: float
    evaluation: Evaluation
    score: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _Split:
    """Messages as the network reads them, with what is true of them."""

    examples: Sequence[Example]
    encodings: Sequence[Encoding]
    truth: Mapping[str, Array]

    @property
    def lengths(self) -> list[int]:
        return [len(encoding) for encoding in self.encodings]


def train(
    data: Path,
    output: Path,
    *,
    encoder: Path | None = None,
    taxonomy: Taxonomy | None = None,
    prepare: Callable[[str], str] = identity,
    settings: TrainingSettings | None = None,
    progress: Callable[[EpochReport], None] | None = None,
) -> Evaluation:
    """Trains on DATA/train.jsonl, chooses and calibrates on DATA/validation.jsonl, and saves.

    Args:
        data: the data directory (`modeling.dataset`).
        output: the new model's directory.
        encoder: a model or an encoder to start from; the starter when None.
        taxonomy: the label groups to learn; Ressenti's own when None.
        prepare: what happens to a subject or text before the model reads it, such as masking;
            serving must do the same.
        settings: how to train.
        progress: called after every epoch.

    Returns:
        The saved model's figures on the validation messages: in-sample, since its temperatures
        and thresholds were fitted on them, and cross-fitted.

    Raises:
        OperatorError: the data, the encoder or the output directory is not usable.
    """
    settings = settings or TrainingSettings()
    taxonomy = taxonomy or default_taxonomy()
    device = resolve_device(settings.device)
    require_writable(output)
    torch.manual_seed(settings.seed)
    start = load_encoder(encoder or starter_directory())
    prefix = settings.text_prefix if settings.text_prefix is not None else start.text_prefix or ""
    max_tokens = min(settings.max_tokens or start.max_tokens, start.max_tokens)
    tokenizer = MessageTokenizer(start.tokenizer, prefix, max_tokens)
    train_split = _split(load(data / TRAIN, taxonomy), taxonomy, tokenizer, prepare)
    validation = _split(load(data / VALIDATION, taxonomy), taxonomy, tokenizer, prepare)
    if len(validation.examples) < FOLDS:
        raise OperatorError(
            f"{data / VALIDATION} has {len(validation.examples)} messages; it needs at least"
            f" {FOLDS}, and a few hundred for figures worth reading"
        )

    network = Network(start.encoder, taxonomy, start.pooling, settings.dropout).to(device)
    best = _fine_tune(network, taxonomy, train_split, validation, settings, progress)
    network.load_state_dict(best.weights)
    manifest = Manifest(
        name=settings.name,
        version=settings.version,
        text_prefix=prefix,
        max_tokens=max_tokens,
        pooling=start.pooling,
        calibration=best.calibration,
    )
    save_model(output, Model(manifest, taxonomy, start.tokenizer, network), "")
    engine = Engine.load(output, settings.device)
    evaluation = evaluate_own_calibration(engine, validation.examples, prepare)
    write_card(output, model_card(manifest, taxonomy, evaluation, len(train_split.examples)))
    return evaluation


@dataclass(slots=True)
class _Best:
    """The best epoch so far."""

    score: float
    weights: dict[str, Tensor]
    calibration: Calibration


def _fine_tune(
    network: Network,
    taxonomy: Taxonomy,
    train_split: _Split,
    validation: _Split,
    settings: TrainingSettings,
    progress: Callable[[EpochReport], None] | None,
) -> _Best:
    best: _Best | None = None
    started = time.monotonic()
    for epoch, loss in _epochs(network, taxonomy, train_split, settings):
        calibration, evaluation = _validate(network, taxonomy, validation)
        assert evaluation.cross_fitted is not None
        score = selection_score(evaluation.cross_fitted.means())
        if best is None or score > best.score:
            weights = {
                name: value.detach().cpu().clone() for name, value in network.state_dict().items()
            }
            best = _Best(score, weights, calibration)
        if progress:
            seconds = time.monotonic() - started
            progress(EpochReport(epoch, settings.epochs, loss, evaluation, score, seconds))
        started = time.monotonic()
    assert best is not None
    return best


def _epochs(
    network: Network, taxonomy: Taxonomy, split: _Split, settings: TrainingSettings
) -> Iterator[tuple[int, float]]:
    """Trains; gives the number and the mean loss of each epoch when it is over."""
    device = next(network.parameters()).device
    network.eval()
    start_heads(network, taxonomy, frozen_features(network, split.encodings), split.truth)
    yield 0, math.nan
    shuffle = random.Random(settings.seed)  # noqa: S311 - no secret
    lengths = split.lengths
    steps = settings.epochs * len(length_grouped_batches(lengths, settings.batch_rows, shuffle))
    optimizer = torch.optim.AdamW(parameter_groups(network, settings), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate_factor(step, steps, settings.warm_up)
    )
    rare = {
        group.name: positive_weights(split.truth[group.name], settings.rare_weight).to(device)
        for group in taxonomy.groups
        if group.kind is Kind.MULTILABEL
    }
    for epoch in range(1, settings.epochs + 1):
        network.train()
        losses = []
        for rows in length_grouped_batches(lengths, settings.batch_rows, shuffle):
            ids, mask = pad([split.encodings[row] for row in rows], network.padding_id)
            with mixed_precision(device):
                outputs = network(ids.to(device), mask.to(device))
            truth = _tensors(taxonomy, split.truth, rows, device)
            loss = combined_loss(outputs, truth, taxonomy, settings.loss_weights, rare)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
            losses.append(float(loss.detach()))
        network.eval()
        yield epoch, float(np.mean(losses))


def positive_weights(truth: Array, power: float) -> Tensor:
    """How many times more each label counts where it holds.

    Args:
        truth: zeros and ones, messages x labels.
        power: of negatives / positives.
    """
    positives = truth.sum(axis=0)
    odds = np.maximum(len(truth) - positives, 1.0) / np.maximum(positives, 1.0)
    return torch.from_numpy(np.maximum(odds, 1.0) ** power).float()


def selection_score(groups: Mapping[str, Mapping[str, float]]) -> float:
    """The mean over groups of the mean of a group's figures that are best at 1.

    A regression counts 1 / (1 + its root mean squared error).

    Args:
        groups: by group's name, the figures by their names.
    """
    means: list[float] = []
    for figures in groups.values():
        good = [value for name, value in figures.items() if name not in ("mae", "rmse", "ece")]
        means.append(fmean(good) if good else 1.0 / (1.0 + figures["rmse"]))
    return fmean(means)


def _validate(
    network: Network, taxonomy: Taxonomy, split: _Split
) -> tuple[Calibration, Evaluation]:
    outputs = raw_outputs(network, split.encodings)
    calibration = fit(taxonomy, outputs, split.truth)
    evaluation = measure(taxonomy, taggings(taxonomy, calibration, outputs), split.truth)
    figures = cross_fitted(taxonomy, outputs, split.truth)
    return calibration, replace(evaluation, cross_fitted=figures)


@torch.inference_mode()
def raw_outputs(network: Network, encodings: Sequence[Encoding]) -> dict[str, Array]:
    """The heads' outputs of any number of messages, by group, messages x outputs."""
    device = next(network.parameters()).device
    found: dict[str, list[Array | None]] = {}
    for rows in longest_first_batches([len(each) for each in encodings]):
        ids, mask = pad([encodings[row] for row in rows], network.padding_id)
        with mixed_precision(device):
            outputs = network(ids.to(device), mask.to(device))
        for name, values in outputs.items():
            column = found.setdefault(name, [None] * len(encodings))
            for row, value in zip(rows, values.double().cpu().numpy(), strict=True):
                column[row] = value
    return {name: np.asarray(column) for name, column in found.items()}


def _split(
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    tokenizer: MessageTokenizer,
    prepare: Callable[[str], str],
) -> _Split:
    encodings = tokenizer.tokenize([example.composed(prepare) for example in examples])
    return _Split(examples, encodings, truth_of(examples, taxonomy))


def _tensors(
    taxonomy: Taxonomy, truth: Mapping[str, Array], rows: Sequence[int], device: torch.device
) -> dict[str, Tensor]:
    softmax = (Kind.ORDINAL, Kind.MULTICLASS)
    return {
        group.name: torch.from_numpy(truth[group.name][list(rows)]).to(
            device, torch.long if group.kind in softmax else torch.float32
        )
        for group in taxonomy.groups
    }
