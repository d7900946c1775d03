import pytest

from modeling.inputs import compose


def test_the_subject_line_comes_before_the_text() -> None:
    assert compose("Retard", "Rien reçu.") == "Retard\nRien reçu."


@pytest.mark.parametrize("subject", [None, "", "  \n"])
def test_a_blank_subject_adds_nothing(subject: str | None) -> None:
    assert compose(subject, " Rien reçu. ") == "Rien reçu."


def test_a_message_whose_subject_says_it_all_is_read() -> None:
    assert compose("Merci !", "  ") == "Merci !"
