"""From text to token ids, the same way in training and in serving."""

from collections.abc import Sequence

from tokenizers import Tokenizer

Encoding = list[int]

# SentencePiece and WordPiece vocabularies have no longer pieces; what lies further from both
# ends than this many characters a token can never be read, and tokenizing it costs time.
_CHARACTERS_PER_TOKEN = 16


def shorten(ids: Encoding, max_tokens: int) -> Encoding:
    """Cuts the middle out of a long text: three quarters of head, one quarter of tail.

    How a message ends often says how its author feels; special tokens at both ends stay.
    """
    if len(ids) <= max_tokens:
        return ids
    tail = max_tokens // 4
    return ids[: max_tokens - tail] + ids[len(ids) - tail :]


class MessageTokenizer:
    """A tokenizer with the model's text prefix and its longest input.

    `tokenize` may be called from several threads at once: the library works outside the
    interpreter lock and nothing here changes.
    """

    def __init__(self, tokenizer: Tokenizer, prefix: str, max_tokens: int) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self.prefix = prefix
        self.max_tokens = max_tokens

    def tokenize(self, texts: Sequence[str]) -> list[Encoding]:
        """Token ids of each text, special tokens included, at most `max_tokens` of them.

        Characters that no encoding of Unicode can carry (lone surrogates, which JSON lets
        through) become question marks.
        """
        encodings = self.tokenizer.encode_batch([self._readable(text) for text in texts])
        return [shorten(encoding.ids, self.max_tokens) for encoding in encodings]

    def _readable(self, text: str) -> str:
        reach = self.max_tokens * _CHARACTERS_PER_TOKEN
        if len(text) > 2 * reach:
            text = f"{text[:reach]} {text[-reach:]}"
        return self.prefix + text.encode("utf-8", "replace").decode("utf-8")
