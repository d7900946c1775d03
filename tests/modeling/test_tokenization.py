from hypothesis import given
from hypothesis import strategies as st

from modeling.tokenization import MessageTokenizer, shorten
from tests.conftest import tiny_tokenizer


@given(st.lists(st.integers(), max_size=100), st.integers(8, 60))
def test_a_shortened_text_keeps_its_head_and_its_tail(ids: list[int], longest: int) -> None:
    short = shorten(ids, longest)
    assert len(short) == min(len(ids), longest)
    tail = longest // 4
    assert short[: longest - tail] == ids[: longest - tail]
    assert short[-tail:] == ids[-tail:]


def test_a_long_text_begins_and_ends_with_the_special_tokens() -> None:
    tokenizer = MessageTokenizer(tiny_tokenizer(), "", 16)
    (encoding,) = tokenizer.tokenize(["mot " * 100])
    assert (len(encoding), encoding[0], encoding[-1]) == (16, 1, 2)


def test_the_end_of_a_very_long_text_is_read() -> None:
    tokenizer = MessageTokenizer(tiny_tokenizer(), "", 32)
    middle = "blanc " * 20_000
    glad, angry = tokenizer.tokenize([middle + "merci !", middle + "inadmissible !"])
    assert glad != angry


def test_the_prefix_is_put_before_every_text() -> None:
    plain = MessageTokenizer(tiny_tokenizer(), "", 32)
    prefixed = MessageTokenizer(tiny_tokenizer(), "query: ", 32)
    assert prefixed.tokenize(["a", "b"]) == plain.tokenize(["query: a", "query: b"])


def test_a_lone_surrogate_is_read_as_a_question_mark() -> None:
    tokenizer = MessageTokenizer(tiny_tokenizer(), "", 32)
    assert tokenizer.tokenize(["oui \ud83d"]) == tokenizer.tokenize(["oui ?"])


def test_a_tokenizer_that_came_with_truncation_and_padding_gives_whole_texts() -> None:
    inner = tiny_tokenizer()
    inner.enable_truncation(4)
    inner.enable_padding(length=30)
    (encoding,) = MessageTokenizer(inner, "", 64).tokenize(["Bonjour, merci"])
    plain = tiny_tokenizer().encode("Bonjour, merci").ids
    assert encoding == plain
