"""Measures a model on labelled messages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.table import Table

from modeling.calibration import taggings as taggings_of
from modeling.dataset import Example, identity, truth_of
from modeling.engine import Engine
from modeling.measures import calibration_error, f1_of_labels, micro_f1, quadratic_kappa
from modeling.packing import longest_first_batches
from modeling.tagging import GroupTagging, Tagging
from modeling.taxonomy import Kind, LabelGroup, Taxonomy

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure that was measured several times: the mean and the standard deviation."""

    mean: float
    deviation: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.deviation:.3f}"


@dataclass(frozen=True, slots=True)
class CrossFitted:
    """Figures on messages that neither a temperature nor a threshold was fitted on.

    `modeling.cross_fitting` tells how they come about.

    Attributes:
        groups: by group's name, the figures by their names.
        labels: by group's name, F1 of each label by its code.
    """

    groups: Mapping[str, Mapping[str, Spread]]
    labels: Mapping[str, Mapping[str, Spread]]

    def means(self) -> dict[str, dict[str, float]]:
        """The figures' means, by group's name and figure's name."""
        return {
            name: {figure: value.mean for figure, value in figures.items()}
            for name, figures in self.groups.items()
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's figures, group by group; `modeling.measures` tells their conventions.

    Attributes:
        messages: how many messages were measured.
        groups: by group's name, the figures by their names.
        labels: by group's name, F1 and occurrences of each label by its code.
        cross_fitted: where the model was calibrated on these very messages, what is left of the
            figures when it is not.
    """

    messages: int
    groups: Mapping[str, Mapping[str, float]]
    labels: Mapping[str, Mapping[str, tuple[float, int]]]
    cross_fitted: CrossFitted | None = None

    def as_json(self) -> dict[str, object]:
        """One object for machines: messages, and the figures of each group."""
        return {
            "messages": self.messages,
            "groups": {name: dict(figures) for name, figures in self.groups.items()},
        }

    def tables(self) -> list[Table]:
        """Tables for people: the figures of each group, then each label's F1."""
        figures = Table("group", "figure", "value", title=f"{self.messages} messages")
        if self.cross_fitted:
            figures.add_column("cross-fitted")
        for name, mine in self.groups.items():
            for figure, value in mine.items():
                more = [str(self.cross_fitted.groups[name][figure])] if self.cross_fitted else []
                figures.add_row(name, figure, f"{value:.3f}", *more)
        labels = Table("group", "label", "F1", "messages", title="Labels")
        for name, codes in self.labels.items():
            for code, (f1, count) in codes.items():
                labels.add_row(name, code, f"{f1:.3f}", str(count))
        return [figures, labels]


def evaluate(
    engine: Engine, examples: Sequence[Example], prepare: Callable[[str], str] = identity
) -> Evaluation:
    """Tags labelled messages and compares.

    Args:
        engine: the model.
        examples: labelled with the engine's taxonomy.
        prepare: what happens to a subject or text before the model reads it, such as masking.
    """
    texts = [example.composed(prepare) for example in examples]
    truth = truth_of(examples, engine.taxonomy)
    return measure(engine.taxonomy, tag_all(engine, texts), truth)


def tag_all(engine: Engine, texts: Sequence[str]) -> list[Tagging]:
    """Tags any number of texts, in their order."""
    if not texts:
        return []
    return taggings_of(engine.taxonomy, engine.calibration, all_outputs(engine, texts))


def all_outputs(engine: Engine, texts: Sequence[str]) -> dict[str, Array]:
    """The heads' raw outputs of any number of texts, by group, messages x outputs."""
    encodings = engine.tokenize(texts)
    batches = longest_first_batches([len(encoding) for encoding in encodings])
    parts = [engine.outputs([encodings[row] for row in rows]) for rows in batches]
    order = np.argsort(np.concatenate([np.asarray(rows) for rows in batches]))
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}


def measure(
    taxonomy: Taxonomy, taggings: Sequence[Tagging], truth: Mapping[str, Array]
) -> Evaluation:
    """Compares taggings with the truth.

    Args:
        taxonomy: the label groups.
        taggings: at least one.
        truth: of the same messages, by group, as `modeling.dataset.targets` gives it.
    """
    groups: dict[str, dict[str, float]] = {}
    labels: dict[str, dict[str, tuple[float, int]]] = {}
    for group in taxonomy.groups:
        mine = [tagging.groups[group.name] for tagging in taggings]
        true = truth[group.name]
        if group.kind is Kind.REGRESSION:
            groups[group.name] = _regression_figures(mine, true)
            continue
        held = true if group.kind is Kind.MULTILABEL else _one_hot(true, len(group.labels))
        given = np.asarray([[code in each.labels for code in group.codes] for each in mine])
        f1 = f1_of_labels(given, held)
        counts = held.sum(axis=0).astype(int).tolist()
        labels[group.name] = dict(
            zip(group.codes, zip(f1.tolist(), counts, strict=True), strict=True)
        )
        if group.kind is Kind.MULTILABEL:
            groups[group.name] = _multilabel_figures(mine, given, held, f1)
        else:
            groups[group.name] = _softmax_figures(group, mine, true, f1)
    return Evaluation(len(taggings), groups, labels)


def _one_hot(truth: Array, classes: int) -> Array:
    held: Array = np.eye(classes)[truth.astype(int)]
    return held


def _softmax_figures(
    group: LabelGroup, taggings: Sequence[GroupTagging], truth: Array, f1: Array
) -> dict[str, float]:
    probability = np.asarray([tagging.probabilities for tagging in taggings])
    given = np.asarray([group.codes.index(tagging.labels[0]) for tagging in taggings])
    right = given == truth
    figures = {"accuracy": float(right.mean()), "macro_f1": float(f1.mean())}
    if group.kind is Kind.ORDINAL:
        scores = np.asarray([tagging.score for tagging in taggings], dtype=np.float64)
        figures["quadratic_kappa"] = quadratic_kappa(given, truth, len(group.labels))
        figures["mae"] = float(np.abs(scores - truth).mean())
    figures["ece"] = calibration_error(probability.max(axis=1), right)
    return figures


def _multilabel_figures(
    taggings: Sequence[GroupTagging], given: npt.NDArray[np.bool_], held: Array, f1: Array
) -> dict[str, float]:
    probability = np.asarray([tagging.probabilities for tagging in taggings])
    return {
        "micro_f1": micro_f1(given, held),
        "macro_f1": float(f1.mean()),
        "ece": calibration_error(probability.ravel(), held.ravel()),
    }


def _regression_figures(taggings: Sequence[GroupTagging], truth: Array) -> dict[str, float]:
    values = np.asarray([tagging.score for tagging in taggings], dtype=np.float64)
    return {
        "mae": float(np.abs(values - truth).mean()),
        "rmse": float(np.sqrt(((values - truth) ** 2).mean())),
    }
