"""From the probabilities of an ordinal group to a score on its scale."""

from collections.abc import Sequence


def expectation(probabilities: Sequence[float]) -> float:
    """The mean of the scale 0..K-1 under K probabilities: the score that is published."""
    return sum(step * probability for step, probability in enumerate(probabilities))
