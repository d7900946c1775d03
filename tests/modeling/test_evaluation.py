import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from modeling.dataset import truth_of
from modeling.engine import Engine
from modeling.evaluation import evaluate, measure, tag_all
from modeling.tagging import GroupTagging, Tagging
from tests.modeling.every_kind import EVERY_KIND, write_every_kind_model
from tests.modeling.examples import every_kind_examples


def tagging(level: str, topic: str, signs: dict[str, float], stars: float) -> Tagging:
    levels = EVERY_KIND.group("keys").codes
    topics = EVERY_KIND.group("topic").codes
    codes = EVERY_KIND.group("signs").codes
    return Tagging(
        groups={
            "keys": GroupTagging(
                (level,),
                tuple(0.8 if code == level else 0.1 for code in levels),
                0.8 * levels.index(level) + 0.1 * (3 - levels.index(level)),
            ),
            "topic": GroupTagging(
                (topic,), tuple(0.9 if code == topic else 0.1 for code in topics), None
            ),
            "signs": GroupTagging(
                tuple(code for code in codes if signs.get(code, 0.0) >= 0.5),
                tuple(signs.get(code, 0.0) for code in codes),
                None,
            ),
            "stars": GroupTagging((), (), stars),
        },
        confidence=0.8,
        needs_review=False,
    )


def test_each_kind_of_group_has_its_own_figures() -> None:
    examples = every_kind_examples(40)
    right = []
    for example in examples:
        signs, stars = example.labels["signs"], example.labels["stars"]
        assert isinstance(signs, tuple)
        assert isinstance(stars, float)
        level, topic = str(example.labels["keys"]), str(example.labels["topic"])
        right.append(tagging(level, topic, dict.fromkeys(signs, 1.0), stars + 0.5))
    figures = measure(EVERY_KIND, right, truth_of(examples, EVERY_KIND)).groups
    assert figures["keys"]["accuracy"] == figures["keys"]["quadratic_kappa"] == 1.0
    assert figures["keys"]["ece"] == pytest.approx(0.2)
    assert set(figures["topic"]) == {"accuracy", "macro_f1", "ece"}
    # The label that never holds counts 0 in the mean of three.
    assert figures["signs"] == pytest.approx({"micro_f1": 1.0, "macro_f1": 2 / 3, "ece": 0.0})
    assert figures["stars"] == pytest.approx({"mae": 0.5, "rmse": 0.5})


def test_the_mean_absolute_error_is_that_of_the_published_score() -> None:
    (example,) = every_kind_examples(1)
    level = str(example.labels["keys"])
    found = tagging(level, "T1", {}, 0.0)
    score = found.groups["keys"].score
    assert score is not None
    expected = abs(score - EVERY_KIND.group("keys").codes.index(level))
    evaluation = measure(EVERY_KIND, [found], truth_of([example], EVERY_KIND))
    assert evaluation.groups["keys"]["mae"] == pytest.approx(expected)


def test_the_json_object_has_messages_and_the_figures_of_each_group(tiny_model: Path) -> None:
    truth = truth_of(every_kind_examples(3), EVERY_KIND)
    found = [tagging("low", "T1", {"A": 0.7}, 3.0)] * 3
    record = json.loads(json.dumps(measure(EVERY_KIND, found, truth).as_json()))
    assert set(record) == {"messages", "groups"}
    assert record["messages"] == 3
    assert list(record["groups"]["keys"]) == [
        "accuracy",
        "macro_f1",
        "quadratic_kappa",
        "mae",
        "ece",
    ]
    assert list(record["groups"]["signs"]) == ["micro_f1", "macro_f1", "ece"]


def test_the_tables_show_every_figure_and_every_label() -> None:
    truth = truth_of(every_kind_examples(3), EVERY_KIND)
    evaluation = measure(EVERY_KIND, [tagging("low", "T1", {"A": 0.7}, 3.0)] * 3, truth)
    console = Console(width=100, record=True, file=io.StringIO())
    for table in evaluation.tables():
        console.print(table)
    shown = console.export_text()
    for word in ("quadratic_kappa", "rmse", "never", "3 messages"):
        assert word in shown


def test_many_texts_are_tagged_in_their_order(tmp_path: Path) -> None:
    engine = Engine.load(write_every_kind_model(tmp_path), "cpu")
    texts = [f"message {'mot ' * (number % 7)}{number}" for number in range(50)]
    together = tag_all(engine, texts)
    for number in (0, 13, 49):
        (alone,) = engine.tag(engine.tokenize([texts[number]]))
        expected = alone.groups["signs"].probabilities
        assert together[number].groups["signs"].probabilities == pytest.approx(expected, abs=0.01)


def test_messages_are_prepared_before_they_are_measured(tmp_path: Path) -> None:
    engine = Engine.load(write_every_kind_model(tmp_path), "cpu")
    seen: list[str] = []
    examples = every_kind_examples(3)
    evaluate(engine, examples, lambda text: seen.append(text) or text)  # type: ignore[func-returns-value]
    assert seen == [example.text for example in examples]
