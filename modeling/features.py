"""Frozen features and logistic regression: a baseline, and where the heads start from."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from modeling.batches import pad
from modeling.devices import mixed_precision
from modeling.network import Network, head_key
from modeling.packing import longest_first_batches
from modeling.taxonomy import Kind, LabelGroup, Taxonomy
from modeling.tokenization import Encoding

Array = npt.NDArray[np.float64]

# Inverse strength of the penalty: with a thousand messages and as many features, strong is best.
_PENALTY = 0.01
_RARE = 0.5


@torch.inference_mode()
def frozen_features(network: Network, encodings: Sequence[Encoding]) -> Array:
    """Pooled vectors of the encoder as it is, messages x (2 x width).

    Args:
        network: on its device.
        encodings: token ids of each message.
    """
    device = next(network.parameters()).device
    found = np.zeros((len(encodings), 2 * network.config.hidden_size))
    for rows in longest_first_batches([len(each) for each in encodings]):
        ids, mask = pad([encodings[row] for row in rows], network.padding_id)
        with mixed_precision(device):
            found[rows] = network.features(ids.to(device), mask.to(device)).double().cpu().numpy()
    return found


def start_heads(
    network: Network, taxonomy: Taxonomy, features: Array, truth: Mapping[str, Array]
) -> None:
    """Sets every head to a regression on standardised frozen features.

    Args:
        network: its heads are changed in place.
        taxonomy: the heads' groups.
        features: messages x (2 x width).
        truth: by group, as `modeling.dataset.targets` gives it.
    """
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    network.standardise(torch.from_numpy(mean), torch.from_numpy(spread))
    standard = (features - mean) / spread
    for group in taxonomy.groups:
        weight, bias = _regression(group, standard, truth[group.name])
        head = network.heads[head_key(group)]
        with torch.no_grad():
            for parameter, values in zip(head.parameters(), (weight, bias), strict=True):
                parameter.copy_(torch.from_numpy(values))


def _regression(group: LabelGroup, features: Array, truth: Array) -> tuple[Array, Array]:
    if group.kind is Kind.REGRESSION:
        ridge = Ridge(alpha=1.0 / _PENALTY).fit(features, truth)
        return ridge.coef_[None, :], np.asarray([ridge.intercept_])
    if group.kind is Kind.MULTILABEL:
        rows = [_one_label(features, truth[:, label]) for label in range(len(group.labels))]
        return np.stack([weight for weight, _ in rows]), np.asarray([bias for _, bias in rows])
    return _classes(features, truth.astype(int), len(group.labels))


def _one_label(features: Array, truth: Array) -> tuple[Array, float]:
    positives = truth.sum()
    if not 0 < positives < len(truth):
        odds = (positives + _RARE) / (len(truth) - positives + _RARE)
        return np.zeros(features.shape[1]), float(np.log(odds))
    fitted = LogisticRegression(C=_PENALTY, max_iter=1000).fit(features, truth)
    return fitted.coef_[0], float(fitted.intercept_[0])


def _classes(features: Array, truth: npt.NDArray[np.int_], classes: int) -> tuple[Array, Array]:
    counts = np.bincount(truth, minlength=classes) + _RARE
    weight, bias = np.zeros((classes, features.shape[1])), np.log(counts / counts.sum())
    present = np.unique(truth)
    if len(present) > 1:
        fitted = LogisticRegression(C=_PENALTY, max_iter=1000).fit(features, truth)
        # Of two classes scikit-learn gives the second one's log-odds only.
        half = len(present) == 2
        weight[present] = (
            np.concatenate((-fitted.coef_, fitted.coef_)) / 2 if half else fitted.coef_
        )
        own = fitted.intercept_
        bias[present] = np.concatenate((-own, own)) / 2 if half else own
    return weight, bias
