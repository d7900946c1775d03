"""From raw outputs to honest probabilities: temperatures, thresholds and the confidence.

The parameters are fitted on messages that were not trained on (`modeling.fitting`), travel with
the model's files, and are applied here in double precision.

Confidence is the lowest of the groups' confidences: for an ordinal or multiclass group the
highest probability; for a multilabel group the mean over its labels of max(p, 1 - p). A
regression has none. A message needs review when its confidence is under the bar below which the
least confident fifth of the calibration messages lay.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from modeling.ordinal import expectation
from modeling.tagging import GroupTagging, Tagging
from modeling.taxonomy import Kind, LabelGroup, Taxonomy

Array = npt.NDArray[np.float64]

REVIEWED_SHARE = 0.2


class GroupCalibration(BaseModel):
    """The calibration of one label group.

    Attributes:
        temperatures: outputs are divided by them. One for a softmax group, one a label for a
            multilabel group, none for a regression.
        thresholds: the calibrated probability from which a label holds, one a label of a
            multilabel group; none for the other kinds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    temperatures: tuple[float, ...] = ()
    thresholds: tuple[float, ...] = ()


class Calibration(BaseModel):
    """The calibration of a model.

    Attributes:
        groups: by the label group's name.
        review_below: a message with a lower confidence needs review.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    groups: Mapping[str, GroupCalibration]
    review_below: float = Field(ge=0.0, le=1.0)


def temperature_count(group: LabelGroup) -> int:
    """How many temperatures a group of that kind has."""
    counts = {Kind.MULTILABEL: len(group.labels), Kind.REGRESSION: 0}
    return counts.get(group.kind, 1)


def threshold_count(group: LabelGroup) -> int:
    """How many thresholds a group of that kind has."""
    return len(group.labels) if group.kind is Kind.MULTILABEL else 0


def mismatches(calibration: Calibration, taxonomy: Taxonomy) -> list[str]:
    """What of a calibration does not fit a taxonomy, in words; empty when it fits."""
    found = []
    for group in taxonomy.groups:
        mine = calibration.groups.get(group.name)
        if mine is None:
            found.append(f"no calibration for group {group.name}")
        elif (
            len(mine.temperatures) != temperature_count(group)
            or len(mine.thresholds) != threshold_count(group)
            or min(mine.temperatures, default=1.0) <= 0.0
        ):
            found.append(f"the calibration of group {group.name} does not fit its labels")
    return found


def softmax(outputs: Array) -> Array:
    """Probabilities that sum to one along the last axis."""
    shifted = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    normalised: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return normalised


def sigmoid(outputs: Array) -> Array:
    """Probability of each output by itself; never overflows."""
    odds = np.exp(-np.abs(outputs))
    return np.where(outputs >= 0.0, 1.0, odds) / (1.0 + odds)


def probabilities(group: LabelGroup, calibration: GroupCalibration, outputs: Array) -> Array:
    """Calibrated probabilities.

    Args:
        group: the label group, of any kind but regression.
        calibration: its temperatures.
        outputs: the head's raw outputs, messages x labels.

    Returns:
        messages x labels.
    """
    scaled = outputs / np.asarray(calibration.temperatures)
    return sigmoid(scaled) if group.kind is Kind.MULTILABEL else softmax(scaled)


def group_confidence(group: LabelGroup, values: Array) -> Array:
    """How sure a group is of each message.

    Args:
        group: the label group, of any kind but regression.
        values: its calibrated probabilities, messages x labels.

    Returns:
        One confidence a message.
    """
    sure: Array
    if group.kind is Kind.MULTILABEL:
        sure = np.maximum(values, 1.0 - values).mean(axis=1)
    else:
        sure = values.max(axis=1)
    return sure


def confidence(taxonomy: Taxonomy, values: Mapping[str, Array], messages: int) -> Array:
    """The confidence of each message: the lowest of its groups'.

    Args:
        taxonomy: the label groups.
        values: calibrated probabilities of every group but regressions, messages x labels.
        messages: how many messages there are.
    """
    lowest = np.ones(messages)
    for group in taxonomy.groups:
        if group.kind is not Kind.REGRESSION:
            lowest = np.minimum(lowest, group_confidence(group, values[group.name]))
    return lowest


def taggings(
    taxonomy: Taxonomy, calibration: Calibration, outputs: Mapping[str, Array]
) -> list[Tagging]:
    """Turns the raw outputs of a batch into taggings.

    Args:
        taxonomy: the label groups.
        calibration: fits the taxonomy.
        outputs: the heads' raw outputs by group, messages x labels (regression: messages x 1).

    Raises:
        FloatingPointError: an output is not a finite number.
    """
    if not all(np.isfinite(values).all() for values in outputs.values()):
        raise FloatingPointError("the model gave a number that is not finite")
    messages = len(next(iter(outputs.values())))
    columns: dict[str, list[GroupTagging]] = {}
    values: dict[str, Array] = {}
    for group in taxonomy.groups:
        mine = calibration.groups[group.name]
        if group.kind is Kind.REGRESSION:
            scores = outputs[group.name][:, 0].tolist()
            columns[group.name] = [GroupTagging((), (), score) for score in scores]
        else:
            values[group.name] = probabilities(group, mine, outputs[group.name])
            columns[group.name] = _group_taggings(group, mine, values[group.name])
    sure = confidence(taxonomy, values, messages).tolist()
    return [
        Tagging(
            groups={name: column[message] for name, column in columns.items()},
            confidence=sure[message],
            needs_review=sure[message] < calibration.review_below,
        )
        for message in range(messages)
    ]


def _group_taggings(
    group: LabelGroup, calibration: GroupCalibration, values: Array
) -> list[GroupTagging]:
    held: Sequence[Sequence[bool]]
    if group.kind is Kind.MULTILABEL:
        held = (values >= np.asarray(calibration.thresholds)).tolist()
    else:
        held = (values.argmax(axis=1)[:, None] == np.arange(len(group.labels))).tolist()
    ordinal = group.kind is Kind.ORDINAL
    return [
        GroupTagging(
            labels=tuple(code for code, holds in zip(group.codes, row, strict=True) if holds),
            probabilities=tuple(each),
            score=expectation(each) if ordinal else None,
        )
        for row, each in zip(held, values.tolist(), strict=True)
    ]
