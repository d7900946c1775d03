import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from modeling.vocabulary import always_kept, choose_pieces, spelled_alike, trimmed

PIECES = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("▁", -4.0),
    ("слово", -5.0),
    ("▁chat", -6.0),
    ("▁chats", -7.0),
    ("s", -8.0),
    ("▁Katze", -8.5),
    ("...", -9.0),
    ("<mask>", 0.0),
]


@pytest.fixture
def whole() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram(PIECES, unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def test_special_tokens_marks_and_used_pieces_are_kept(whole: Tokenizer) -> None:
    kept = choose_pieces(whole, {"chat": 1.0, "Katze": 0.001}, size=10)
    names = [whole.id_to_token(old) for old in kept]
    assert names == ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁chat", "s", "▁Katze", "...", "<mask>"]
    smaller = choose_pieces(whole, {"chat": 1.0, "Katze": 0.001}, size=9)
    assert "▁Katze" not in [whole.id_to_token(old) for old in smaller]


def test_a_trimmed_tokenizer_gives_a_pieces_new_place(whole: Tokenizer) -> None:
    kept = choose_pieces(whole, {"chat": 1.0}, size=9)
    small = trimmed(whole, kept)
    for text in ("chat", "chat...", "chat <mask>"):
        assert spelled_alike(whole, small, text)
        assert [kept[new] for new in small.encode(text).ids] == whole.encode(text).ids


def test_a_text_with_a_lost_piece_is_spelled_otherwise(whole: Tokenizer) -> None:
    small = trimmed(whole, choose_pieces(whole, {"chat": 1.0}, size=9))
    assert small.encode("chats").tokens == ["<s>", "▁chat", "s", "</s>"]
    assert not spelled_alike(whole, small, "chats")


@pytest.mark.parametrize("piece", ["▁", "é", "▁À", "!", "...", "▁2020", "€", "😀", "▁’", "'"])
def test_common_characters_and_short_marks_are_always_kept(piece: str) -> None:
    assert always_kept(piece)


@pytest.mark.parametrize("piece", ["la", "▁de", "слово", "ж", "中", "12345"])
def test_words_and_other_scripts_are_kept_only_if_used(piece: str) -> None:
    assert not always_kept(piece)
