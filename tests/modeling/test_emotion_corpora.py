"""Two corpora of emotions become one data directory."""

import json
from collections import Counter
from pathlib import Path

import pytest

from modeling.dataset import load
from modeling.emotion_corpora import (
    TEXTS_AN_EMOTION,
    TEXTS_WITHOUT_EMOTION,
    VALIDATION_TEXTS,
    EmotionText,
    balanced,
    common_taxonomy,
    draw,
    main,
    read_goemotions,
    read_xed,
)
from modeling.taxonomy import load_taxonomy

NAMES = ["joy", "nervousness", "relief", "neutral"]


def test_goemotions_labels_become_common_ones() -> None:
    lines = ["Phew\t2,1\tabc\n", "ok\t3\tdef\n"]
    assert list(read_goemotions(lines, NAMES)) == [
        EmotionText("Phew", ("fear", "trust")),
        EmotionText("ok", ()),
    ]


def test_xed_labels_become_common_ones_and_what_has_no_counterpart_is_left_out() -> None:
    lines = ["Quelle joie\t5, 2\n", "broken line\n", "J'ai peur\t4,1\n"]
    assert list(read_xed(lines)) == [
        EmotionText("Quelle joie", ("joy",)),
        EmotionText("J'ai peur", ("anger", "fear")),
    ]


def test_no_emotion_drowns_the_others() -> None:
    texts = [EmotionText(f"{n}", ("joy",)) for n in range(2 * TEXTS_AN_EMOTION)]
    texts += [EmotionText(f"{n}", ()) for n in range(2 * TEXTS_WITHOUT_EMOTION)]
    texts += [EmotionText("rare", ("disgust",))]
    counts = Counter(each.emotions for each in balanced(texts))
    assert counts == {
        ("joy",): TEXTS_AN_EMOTION,
        (): TEXTS_WITHOUT_EMOTION,
        ("disgust",): 1,
    }


def test_the_same_texts_are_drawn_every_time() -> None:
    english = [EmotionText(f"e{n}", ("joy",)) for n in range(900)]
    french = [EmotionText(f"f{n}", ("fear",)) for n in range(900)]
    first = draw(english, french)
    assert first == draw(english, french)
    assert first != sorted(first, key=lambda each: each.text)


def test_the_data_directory_can_be_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.txt").write_text("\n".join(NAMES))
    (tmp_path / "train.tsv").write_text(
        "".join(f"text\x85 {n}\t{n % 4}\tid\n" for n in range(800)), encoding="utf-8"
    )
    (tmp_path / "xed.tsv").write_text("Quelle joie\t5\n" * 100, encoding="utf-8")
    output = tmp_path / "out"
    arguments = ["--goemotions", str(tmp_path), "--xed", str(tmp_path / "xed.tsv")]
    assert main([*arguments, "--output", str(output)]) == 0
    assert "900 texts" in capsys.readouterr().out
    taxonomy = load_taxonomy(output / "taxonomy.yaml")
    assert taxonomy == common_taxonomy()
    assert len(load(output / "validation.jsonl", taxonomy)) == VALIDATION_TEXTS
    assert len(load(output / "train.jsonl", taxonomy)) == 400
    first = json.loads((output / "train.jsonl").read_text(encoding="utf-8").split("\n")[0])
    assert set(first) == {"text", "emotions"}


def test_a_missing_corpus_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--goemotions", str(tmp_path), "--xed", "nowhere", "--output", str(tmp_path)]
    assert main(arguments) == 2
    assert "labels.txt" in capsys.readouterr().err
