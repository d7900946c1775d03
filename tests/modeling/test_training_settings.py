"""Training settings come from a file, and a wrong one is named."""

from pathlib import Path

import pytest

from modeling.errors import OperatorError
from modeling.training_settings import TrainingSettings, load_training_settings


def test_what_the_file_does_not_name_keeps_its_default(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("epochs: 1\nloss_weights: {causes: 2.0}\n")
    assert load_training_settings(path) == TrainingSettings(epochs=1, loss_weights={"causes": 2.0})


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("")
    assert load_training_settings(path) == TrainingSettings()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("epoch: 1", "epoch: Unexpected keyword argument"),
        ("epochs: many", "epochs: Input should be a valid integer"),
        ("- 1", "the file"),
        ("{", "cannot read the training settings"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(content)
    with pytest.raises(OperatorError, match=complaint):
        load_training_settings(path)


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="nowhere"):
        load_training_settings(tmp_path / "nowhere")
