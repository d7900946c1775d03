"""Fits a calibration on messages that the model was not trained on.

- A temperature minimises the negative log-likelihood (Desai and Durrett, arXiv 2003.07892). A
  multilabel group first has one for all its labels; each label then may leave it, at a price.
- A threshold maximises a label's F1. With few positives that overfits (Lin and Lin, CIKM 2023),
  so that every message counts in part on both sides of a near threshold, and the counts of the
  group's average label are added with a small weight.
"""

from collections.abc import Mapping

import numpy as np

from modeling.calibration import (
    REVIEWED_SHARE,
    Array,
    Calibration,
    GroupCalibration,
    confidence,
    probabilities,
    sigmoid,
    softmax,
)
from modeling.taxonomy import Kind, LabelGroup, Taxonomy

_TEMPERATURES = np.exp(np.linspace(np.log(0.25), np.log(4.0), 161))
_THRESHOLDS = np.linspace(0.05, 0.95, 91)
# The price of a label's own temperature, in nats per squared log of its ratio to the group's.
_PULL = 4.0
# Width of the soft edge around a threshold, and positives that the group's average counts for.
# Chosen by the starter's cross-fitted F1 (`modeling.cross_fitting`) on the 199 validation messages
# of Services Publics+, masked: the mean of macro and micro, of emotions and causes, is highest and
# flat from 0.04 to 0.07, and a quarter of a positive or more only costs the labels with fewer than
# eight. The little that is left gives a label that was never seen a high threshold.
_EDGE = 0.06
_BORROWED_POSITIVES = 0.01
_TINY = 1e-12


def fit(
    taxonomy: Taxonomy, outputs: Mapping[str, Array], truth: Mapping[str, Array]
) -> Calibration:
    """Fits temperatures, thresholds and the bar of review.

    Args:
        taxonomy: the label groups.
        outputs: the heads' raw outputs by group, messages x outputs.
        truth: by group, as `modeling.dataset.targets` gives it.
    """
    groups = {
        group.name: _fit_group(group, outputs[group.name], truth[group.name])
        for group in taxonomy.groups
    }
    messages = len(next(iter(outputs.values())))
    values = {
        group.name: probabilities(group, groups[group.name], outputs[group.name])
        for group in taxonomy.groups
        if group.kind is not Kind.REGRESSION
    }
    sure = confidence(taxonomy, values, messages)
    return Calibration(groups=groups, review_below=float(np.quantile(sure, REVIEWED_SHARE)))


def _fit_group(group: LabelGroup, outputs: Array, truth: Array) -> GroupCalibration:
    if group.kind is Kind.REGRESSION:
        return GroupCalibration()
    if group.kind is not Kind.MULTILABEL:
        return GroupCalibration(temperatures=(softmax_temperature(outputs, truth),))
    temperatures = label_temperatures(outputs, truth)
    values = sigmoid(outputs / np.asarray(temperatures))
    return GroupCalibration(temperatures=temperatures, thresholds=label_thresholds(values, truth))


def softmax_temperature(outputs: Array, truth: Array) -> float:
    """The temperature of a softmax group.

    Args:
        outputs: messages x classes.
        truth: class numbers.
    """
    rows = np.arange(len(truth))
    classes = truth.astype(int)
    losses = [
        -np.log(softmax(outputs / temperature)[rows, classes] + _TINY).sum()
        for temperature in _TEMPERATURES
    ]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def label_temperatures(outputs: Array, truth: Array) -> tuple[float, ...]:
    """The temperature of each label of a multilabel group.

    Args:
        outputs: messages x labels.
        truth: zeros and ones, messages x labels.
    """
    losses = np.stack([_losses(outputs / temperature, truth) for temperature in _TEMPERATURES])
    shared = _TEMPERATURES[int(np.argmin(losses.sum(axis=1)))]
    price = _PULL * np.log(_TEMPERATURES / shared) ** 2
    return tuple(float(each) for each in _TEMPERATURES[(losses + price[:, None]).argmin(axis=0)])


def label_thresholds(values: Array, truth: Array) -> tuple[float, ...]:
    """The threshold of each label of a multilabel group.

    Args:
        values: calibrated probabilities, messages x labels.
        truth: zeros and ones, messages x labels.
    """
    # thresholds x messages x labels: the share of a message that counts as held.
    held = sigmoid((values[None] - _THRESHOLDS[:, None, None]) / _EDGE)
    right = (held * truth).sum(axis=1)
    claimed = held.sum(axis=1)
    positives = truth.sum(axis=0)
    borrowed = _BORROWED_POSITIVES / max(positives.mean(), 1.0)
    right = right + borrowed * right.mean(axis=1, keepdims=True)
    claimed = claimed + borrowed * claimed.mean(axis=1, keepdims=True)
    positives = positives + borrowed * positives.mean()
    f1 = 2.0 * right / (claimed + positives + _TINY)
    return tuple(float(each) for each in _THRESHOLDS[f1.argmax(axis=0)])


def _losses(outputs: Array, truth: Array) -> Array:
    wrong_side = np.where(truth > 0.5, -outputs, outputs)
    losses: Array = np.logaddexp(0.0, wrong_side).sum(axis=0)
    return losses
