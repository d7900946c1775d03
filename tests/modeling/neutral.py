"""A calibration for models with random weights."""

from modeling.calibration import (
    Calibration,
    GroupCalibration,
    temperature_count,
    threshold_count,
)
from modeling.taxonomy import Taxonomy


def neutral_calibration(taxonomy: Taxonomy) -> Calibration:
    """The calibration that changes nothing: temperatures of 1, thresholds of one half."""
    return Calibration(
        groups={
            group.name: GroupCalibration(
                temperatures=(1.0,) * temperature_count(group),
                thresholds=(0.5,) * threshold_count(group),
            )
            for group in taxonomy.groups
        },
        review_below=0.0,
    )
