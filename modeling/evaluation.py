"""Measures a model on labelled messages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.table import Table

from modeling.dataset import Example, identity, targets
from modeling.engine import Engine
from modeling.measures import calibration_error, f1_of_labels, micro_f1, quadratic_kappa
from modeling.packing import longest_first_batches
from modeling.tagging import GroupTagging, Tagging
from modeling.taxonomy import Kind, LabelGroup, Taxonomy

Array = npt.NDArray[np.float64]

TOKEN_BUDGET = 8192


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's figures, group by group; `modeling.measures` tells their conventions.

    Attributes:
        messages: how many messages were measured.
        groups: by group's name, the figures by their names.
        labels: by group's name, F1 and occurrences of each label by its code.
    """

    messages: int
    groups: Mapping[str, Mapping[str, float]]
    labels: Mapping[str, Mapping[str, tuple[float, int]]]

    def as_json(self) -> dict[str, object]:
        """One object for machines: messages, and the figures of each group."""
        return {
            "messages": self.messages,
            "groups": {name: dict(figures) for name, figures in self.groups.items()},
        }

    def tables(self) -> list[Table]:
        """Tables for people: the figures of each group, then each label's F1."""
        figures = Table("group", "figure", "value", title=f"{self.messages} messages")
        for name, mine in self.groups.items():
            for figure, value in mine.items():
                figures.add_row(name, figure, f"{value:.3f}")
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
    return measure(engine.taxonomy, tag_all(engine, texts), examples)


def tag_all(engine: Engine, texts: Sequence[str]) -> list[Tagging]:
    """Tags any number of texts, in their order."""
    encodings = engine.tokenize(texts)
    found: dict[int, Tagging] = {}
    for rows in longest_first_batches([len(encoding) for encoding in encodings], TOKEN_BUDGET):
        batch = engine.tag([encodings[row] for row in rows])
        found.update(zip(rows, batch, strict=True))
    return [found[row] for row in range(len(texts))]


def measure(
    taxonomy: Taxonomy, taggings: Sequence[Tagging], examples: Sequence[Example]
) -> Evaluation:
    """Compares taggings with the truth.

    Args:
        taxonomy: the label groups.
        taggings: one for each example.
        examples: at least one.
    """
    groups: dict[str, dict[str, float]] = {}
    labels: dict[str, dict[str, tuple[float, int]]] = {}
    for group in taxonomy.groups:
        mine = [tagging.groups[group.name] for tagging in taggings]
        truth = targets(examples, group)
        if group.kind is Kind.REGRESSION:
            groups[group.name] = _regression_figures(mine, truth)
            continue
        held = truth if group.kind is Kind.MULTILABEL else _one_hot(truth, len(group.labels))
        given = np.asarray([[code in each.labels for code in group.codes] for each in mine])
        f1 = f1_of_labels(given, held)
        counts = held.sum(axis=0).astype(int).tolist()
        labels[group.name] = dict(
            zip(group.codes, zip(f1.tolist(), counts, strict=True), strict=True)
        )
        if group.kind is Kind.MULTILABEL:
            groups[group.name] = _multilabel_figures(mine, given, held, f1)
        else:
            groups[group.name] = _softmax_figures(group, mine, truth, f1)
    return Evaluation(len(examples), groups, labels)


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
