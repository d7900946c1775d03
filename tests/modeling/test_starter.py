from pathlib import Path

import pytest

from modeling.engine import Engine, starter_directory
from modeling.inputs import compose
from modeling.taxonomy import default_taxonomy


@pytest.fixture(scope="module")
def starter() -> Engine:
    return Engine.load(starter_directory(), "cpu")


def directory_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def test_the_starter_is_small_enough_to_ship() -> None:
    assert directory_bytes(starter_directory()) <= 64_000_000


def test_the_starter_answers_ressentis_own_taxonomy(starter: Engine) -> None:
    assert starter.taxonomy.differences(default_taxonomy()) == []


def test_the_model_card_tells_data_licences_figures_and_limits() -> None:
    card = (starter_directory() / "README.md").read_text(encoding="utf-8")
    for word in ("MIT", "Licence Ouverte 2.0", "Services Publics+", "quadratic_kappa", "Limits"):
        assert word in card


@pytest.mark.parametrize(
    ("subject", "text", "scores", "emotion", "cause"),
    [
        (
            "Un grand merci",
            "Je tiens à remercier la conseillère pour son accueil et sa gentillesse, bravo !",
            ("S1", "S2"),
            "E3",
            "C3",
        ),
        (
            "Site en panne",
            "Impossible de me connecter à mon compte en ligne, le site affiche une erreur. "
            "C'est scandaleux, je suis furieux !",
            ("S4", "S5"),
            "E7",
            "C7",
        ),
        (
            None,
            "J'attends mon remboursement depuis six mois malgré mes relances, "
            "personne ne me répond. Je suis très déçu.",
            ("S4", "S5"),
            "E6",
            "C8",
        ),
        (
            None,
            "Thank you so much, the staff was very kind and helpful!",
            ("S1", "S2"),
            "E3",
            "C3",
        ),
    ],
)
def test_the_starter_understands_plain_messages(
    starter: Engine,
    subject: str | None,
    text: str,
    scores: tuple[str, ...],
    emotion: str,
    cause: str,
) -> None:
    (tagging,) = starter.tag(starter.tokenize([compose(subject, text)]))
    assert tagging.groups["global_score"].labels[0] in scores
    assert emotion in tagging.groups["emotions"].labels
    assert cause in tagging.groups["causes"].labels


def test_placeholders_of_masked_data_and_other_scripts_are_no_obstacle(starter: Engine) -> None:
    texts = ["Merci [PERSONNE] ! [EMAIL] [TEL]", "谢谢", "🙂🙂🙂", "ж" * 3000, ""]
    taggings = starter.tag(starter.tokenize(texts))
    assert taggings[0].groups["global_score"].labels[0] in ("S1", "S2")
    assert len(taggings) == len(texts)
