"""From the probabilities of an ordinal group to a score on its scale, and back."""

from collections.abc import Sequence


def expectation(probabilities: Sequence[float]) -> float:
    """The mean of the scale 0..K-1 under K probabilities: the score that is published."""
    return sum(step * probability for step, probability in enumerate(probabilities))


def most_probable(probabilities: Sequence[float]) -> int:
    """The step with the highest probability, the lowest such step in a tie."""
    return max(range(len(probabilities)), key=probabilities.__getitem__)


def nearest_step(score: float, steps: int) -> int:
    """The step of the scale 0..steps-1 that a score rounds to, halves upwards."""
    return min(max(int(score + 0.5), 0), steps - 1)
