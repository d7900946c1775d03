"""Figures that no temperature and no threshold has seen.

A calibration that is measured on the messages that it was fitted on looks better than it is, the
more so the rarer the labels. Cross-fitting (Chernozhukov et al., arXiv 1608.00060) fits it on four
fifths of the messages and applies it to the fifth left out, until every message has been left out
once; the taggings of all fifths are then measured together. The cut is a matter of luck, so that
several shuffles are measured: their mean and their standard deviation are what is told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean, pstdev

import numpy as np
import numpy.typing as npt

from modeling.calibration import taggings
from modeling.dataset import Example, identity, truth_of
from modeling.engine import Engine
from modeling.evaluation import CrossFitted, Evaluation, Spread, all_outputs, measure
from modeling.fitting import fit
from modeling.tagging import Tagging
from modeling.taxonomy import Taxonomy

Array = npt.NDArray[np.float64]

FOLDS = 5
SHUFFLES = 10
_SEED = 0


def cross_fitted(
    taxonomy: Taxonomy, outputs: Mapping[str, Array], truth: Mapping[str, Array]
) -> CrossFitted:
    """Fits and measures in turn on parts of the messages; the same parts every time.

    Args:
        taxonomy: the label groups.
        outputs: the heads' raw outputs by group, messages x outputs.
        truth: by group, as `modeling.dataset.targets` gives it.

    Raises:
        ValueError: there are fewer messages than folds.
    """
    messages = len(next(iter(outputs.values())))
    if messages < FOLDS:
        raise ValueError(f"{messages} messages cannot be cut into {FOLDS} parts")
    draw = np.random.default_rng(_SEED)
    measured = []
    for _ in range(SHUFFLES):
        found: dict[int, Tagging] = {}
        order = draw.permutation(messages)
        for left_out in np.array_split(order, FOLDS):
            rest = np.setdiff1d(order, left_out)
            calibration = fit(taxonomy, _rows(outputs, rest), _rows(truth, rest))
            tagged = taggings(taxonomy, calibration, _rows(outputs, left_out))
            found.update(zip(left_out.tolist(), tagged, strict=True))
        measured.append(measure(taxonomy, [found[row] for row in range(messages)], truth))
    first = measured[0]
    return CrossFitted(
        groups={
            name: {
                figure: _spread([each.groups[name][figure] for each in measured])
                for figure in figures
            }
            for name, figures in first.groups.items()
        },
        labels={
            name: {
                code: _spread([each.labels[name][code][0] for each in measured]) for code in codes
            }
            for name, codes in first.labels.items()
        },
    )


def evaluate_own_calibration(
    engine: Engine, examples: Sequence[Example], prepare: Callable[[str], str] = identity
) -> Evaluation:
    """Measures a model on the messages that it was calibrated on, as it is and cross-fitted.

    Args:
        engine: the model.
        examples: at least as many as folds, labelled with the engine's taxonomy.
        prepare: what happens to a subject or text before the model reads it, such as masking.
    """
    outputs = all_outputs(engine, [example.composed(prepare) for example in examples])
    truth = truth_of(examples, engine.taxonomy)
    tagged = taggings(engine.taxonomy, engine.calibration, outputs)
    return replace(
        measure(engine.taxonomy, tagged, truth),
        cross_fitted=cross_fitted(engine.taxonomy, outputs, truth),
    )


def _rows(arrays: Mapping[str, Array], rows: npt.NDArray[np.int_]) -> dict[str, Array]:
    return {name: values[rows] for name, values in arrays.items()}


def _spread(values: Sequence[float]) -> Spread:
    return Spread(fmean(values), pstdev(values))
