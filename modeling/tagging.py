"""What the model says of one message: a tagging, label group by label group."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroupTagging:
    """The answer to one label group.

    Attributes:
        labels: codes that hold, in the taxonomy's order. Ordinal and multiclass: the single most
            probable one. Multilabel: those at or above their threshold. Regression: none.
        probabilities: calibrated probability of every label of the group, in the taxonomy's
            order, whether or not it holds. Empty for a regression.
        score: ordinal: the expectation on the scale 0..K-1. Regression: the value. Else None.
    """

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    score: float | None


@dataclass(frozen=True, slots=True)
class Tagging:
    """The answer to every label group of the taxonomy.

    Attributes:
        groups: the answers, by the group's name.
        confidence: how sure the model is, 0..1; `modeling.calibration` defines it.
        needs_review: whether a person should look: the confidence is under the bar that was
            measured when the model was calibrated.
    """

    groups: Mapping[str, GroupTagging]
    confidence: float
    needs_review: bool
