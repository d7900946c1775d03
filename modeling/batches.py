"""Rows of token ids as one rectangle."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from modeling.tokenization import Encoding


def pad(encodings: Sequence[Encoding], padding_id: int) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask of a batch, both batch x longest, on the CPU.

    Args:
        encodings: at least one.
        padding_id: fills the end of the shorter rows; the mask hides it.
    """
    longest = max(len(encoding) for encoding in encodings)
    ids = np.full((len(encodings), longest), padding_id, dtype=np.int64)
    mask = np.zeros((len(encodings), longest), dtype=np.int64)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding)] = encoding
        mask[row, : len(encoding)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)
