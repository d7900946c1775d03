"""A smaller vocabulary for a Unigram tokenizer: the pieces that some languages use.

Most of a multilingual encoder's weights are embeddings of pieces that French and English never
use. Leaving them out changes no other piece's embedding or score.
"""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from tokenizers import Tokenizer

WORD_START = "▁"

# How often a word is seen in another form, as a share of its own frequency. The last two, a word
# right after a mark such as an apostrophe or a full stop, have pieces without a word start.
_FORMS: tuple[tuple[Callable[[str], str], float], ...] = (
    (lambda word: word, 1.0),
    (str.capitalize, 0.15),
    (str.upper, 0.05),
    (lambda word: "'" + word, 0.1),
    (lambda word: "." + word.capitalize(), 0.05),
)
_BATCH = 10_000
_LETTERLESS = 4

# Blocks whose every character keeps its piece: Latin with all its accents, combining accents,
# punctuation, currency, letter-like signs, arrows, signs and pictures.
_BLOCKS = (
    (0x0020, 0x024F),
    (0x0300, 0x036F),
    (0x1E00, 0x1EFF),
    (0x2000, 0x206F),
    (0x20A0, 0x20BF),
    (0x2100, 0x214F),
    (0x2190, 0x21FF),
    (0x2600, 0x27BF),
    (0xFE0F, 0xFE0F),
    (0x1F300, 0x1FAFF),
)


def piece_weights(tokenizer: Tokenizer, words: Mapping[str, float]) -> dict[int, float]:
    """How much each piece, by its id, is used to write those words.

    Args:
        tokenizer: splits the words.
        words: each word's frequency.
    """
    used: defaultdict[int, float] = defaultdict(float)
    for form, share in _FORMS:
        for batch in _batches(words.items()):
            texts = [form(word) for word, _ in batch]
            split = tokenizer.encode_batch(texts, add_special_tokens=False)
            for (_, frequency), encoding in zip(batch, split, strict=True):
                for piece in encoding.ids:
                    used[piece] += frequency * share
    return used


def always_kept(piece: str) -> bool:
    """Whether a piece is one common character, or short and without a letter: `...`, `2020`."""
    content = piece.removeprefix(WORD_START)
    if not all(any(first <= ord(each) <= last for first, last in _BLOCKS) for each in content):
        return False
    short = len(content) <= _LETTERLESS and not any(each.isalpha() for each in content)
    return len(content) <= 1 or short


def choose_pieces(tokenizer: Tokenizer, words: Mapping[str, float], size: int) -> list[int]:
    """The ids to keep: special tokens, what is always kept, then the most used pieces.

    Args:
        tokenizer: a Unigram tokenizer.
        words: each word's frequency.
        size: how many pieces to keep in all.

    Returns:
        Old ids, ascending: the place of an id is its new id.
    """
    pieces = tokenizer.get_vocab(with_added_tokens=True)
    kept = set(tokenizer.get_added_tokens_decoder())
    kept |= {number for piece, number in pieces.items() if always_kept(piece)}
    weights = piece_weights(tokenizer, words)
    for piece in sorted(weights, key=weights.__getitem__, reverse=True):
        if len(kept) >= size:
            break
        kept.add(piece)
    return sorted(kept)


def trimmed(tokenizer: Tokenizer, kept: list[int]) -> Tokenizer:
    """The same tokenizer with only those pieces; scores, rules and special tokens stay.

    Args:
        tokenizer: a Unigram tokenizer.
        kept: old ids, ascending; special tokens among them.
    """
    description = json.loads(tokenizer.to_str())
    new_ids = {old: new for new, old in enumerate(kept)}
    vocabulary = description["model"]["vocab"]
    description["model"]["vocab"] = [vocabulary[old] for old in kept]
    description["model"]["unk_id"] = new_ids[description["model"]["unk_id"]]
    for token in description["added_tokens"]:
        token["id"] = new_ids[token["id"]]
    for token in description["post_processor"]["special_tokens"].values():
        token["ids"] = [new_ids[old] for old in token["ids"]]
    return Tokenizer.from_str(json.dumps(description))


def spelled_alike(first: Tokenizer, second: Tokenizer, text: str) -> bool:
    """Whether two tokenizers split a text into the same pieces."""
    return bool(first.encode(text).tokens == second.encode(text).tokens)


def _batches(items: Iterable[tuple[str, float]]) -> Iterable[list[tuple[str, float]]]:
    batch: list[tuple[str, float]] = []
    for word, frequency in items:
        batch.append((unicodedata.normalize("NFC", word), frequency))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch
