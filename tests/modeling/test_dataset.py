import json
from pathlib import Path

import pytest

from modeling.dataset import identity, load, targets
from modeling.errors import OperatorError
from tests.modeling.every_kind import EVERY_KIND

GOOD = {
    "id": "m-1",
    "subject": "Merci",
    "text": "Tout est réglé.",
    "keys": "high",
    "topic": "T2",
    "signs": ["never", "A"],
    "stars": 4,
    "channel": "e-mail",
}


def write(directory: Path, *lines: object) -> Path:
    path = directory / "data.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def test_a_line_becomes_an_example_with_its_labels_in_the_taxonomys_order(tmp_path: Path) -> None:
    (example,) = load(write(tmp_path, GOOD), EVERY_KIND)
    assert (example.id, example.subject) == ("m-1", "Merci")
    assert example.labels == {
        "keys": "high",
        "topic": "T2",
        "signs": ("A", "never"),
        "stars": 4.0,
    }


def test_blank_lines_and_a_byte_order_mark_are_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeff" + json.dumps(GOOD), "", GOOD, "  ")
    assert len(load(path, EVERY_KIND)) == 2


def test_a_line_separator_inside_a_text_does_not_split_the_line(tmp_path: Path) -> None:
    line = json.dumps(GOOD | {"text": "un\u2028deux"}, ensure_ascii=False)
    (example,) = load(write(tmp_path, line), EVERY_KIND)
    assert example.text == "un\u2028deux"


def test_subject_and_text_are_both_prepared(tmp_path: Path) -> None:
    (example,) = load(write(tmp_path, GOOD), EVERY_KIND)
    assert example.composed(str.upper) == "MERCI\nTOUT EST RÉGLÉ."
    assert example.composed(identity) == "Merci\nTout est réglé."


def test_targets_are_class_numbers_flags_and_values(tmp_path: Path) -> None:
    examples = load(write(tmp_path, GOOD, GOOD | {"signs": [], "keys": "low"}), EVERY_KIND)
    found = {group.name: targets(examples, group).tolist() for group in EVERY_KIND.groups}
    assert found == {
        "keys": [2, 0],
        "topic": [1, 1],
        "signs": [[1, 0, 1], [0, 0, 0]],
        "stars": [4, 4],
    }


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        (without("text"), "text is missing"),
        (GOOD | {"text": None}, "text is missing"),
        (GOOD | {"subject": 5}, "subject is no text"),
        (without("signs"), "signs is missing"),
        (GOOD | {"keys": "S9"}, "keys has no label 'S9'"),
        (GOOD | {"keys": ["low"]}, "keys must be one label"),
        (GOOD | {"keys": 3}, "keys must be one label"),
        (GOOD | {"signs": "A"}, "signs must be a list"),
        (GOOD | {"signs": [1]}, "signs must be a list"),
        (GOOD | {"signs": ["A", "E9"]}, "signs has no label 'E9'"),
        (GOOD | {"stars": "5"}, "stars must be a number"),
        (GOOD | {"stars": True}, "stars must be a number"),
        (GOOD | {"stars": float("nan")}, "stars must be a number"),
    ],
)
def test_a_wrong_line_is_named_with_its_number_and_never_quoted(
    tmp_path: Path, line: object, told: str
) -> None:
    path = write(tmp_path, GOOD, line)
    with pytest.raises(OperatorError, match=told) as raised:
        load(path, EVERY_KIND)
    assert f"{path}, line 2" in str(raised.value)
    assert "réglé" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00"])
def test_a_file_without_readable_messages_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    with pytest.raises(OperatorError, match=r"data\.jsonl"):
        load(path, EVERY_KIND)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot read"):
        load(tmp_path / "absent.jsonl", EVERY_KIND)
