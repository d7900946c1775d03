"""Figures that compare taggings with the truth.

Conventions: a macro-F1 is the mean over all labels of the taxonomy's group, and a label that
neither occurs nor is given counts 0; micro-F1 counts all labels of all messages together; the
expected calibration error has 15 bins of equal width and compares, in a softmax group, the
highest probability with being right, and in a multilabel group every label's probability with
its holding; the mean absolute error of an ordinal group is that of the published score, the
expectation on the scale.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_BINS = 15


def f1_of_labels(given: npt.NDArray[Any], truth: npt.NDArray[Any]) -> Array:
    """F1 of each label.

    Args:
        given: which labels were given, messages x labels, zeros and ones.
        truth: which labels hold, the same shape.
    """
    right = (given * truth).sum(axis=0, dtype=np.float64)
    total = given.sum(axis=0, dtype=np.float64) + truth.sum(axis=0, dtype=np.float64)
    f1: Array = 2.0 * right / np.maximum(total, 1.0)
    return f1


def micro_f1(given: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float:
    """F1 of all labels together, messages x labels; 0 when nothing is given or holds."""
    return float(f1_of_labels(given.reshape(-1, 1), truth.reshape(-1, 1))[0])


def quadratic_kappa(given: npt.NDArray[Any], truth: npt.NDArray[Any], steps: int) -> float:
    """Cohen's kappa with squared distances on a scale of `steps` steps.

    When chance alone would agree fully (one step only, everywhere), it is 1.
    """
    seen = np.zeros((steps, steps))
    np.add.at(seen, (truth.astype(int), given.astype(int)), 1.0)
    chance = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / max(seen.sum(), 1.0)
    scale = np.arange(steps)
    distance = (scale[:, None] - scale[None, :]) ** 2
    expected = (distance * chance).sum()
    return 1.0 if expected == 0.0 else float(1.0 - (distance * seen).sum() / expected)


def calibration_error(probability: Array, happened: npt.NDArray[Any]) -> float:
    """Expected calibration error of any number of probabilities, flat."""
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gap = np.bincount(bins, weights=probability - happened, minlength=_BINS)
    return float(np.abs(gap).sum() / max(len(probability), 1))
