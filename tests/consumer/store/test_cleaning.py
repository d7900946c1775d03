import json

from hypothesis import given
from hypothesis import strategies as st

from consumer.store.cleaning import storable_id, storable_json, storable_text

ANY_TEXT = st.text(st.characters(exclude_categories=()))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
)


@given(ANY_TEXT)
def test_any_text_becomes_one_that_postgresql_takes(text: str) -> None:
    clean = storable_text(text)
    assert "\x00" not in clean
    assert len(clean) == len(text)
    clean.encode("utf-8")


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_a_text_without_refused_characters_stays_as_it_is(text: str) -> None:
    assert storable_text(text) == text
    assert storable_id(text) == text


@given(st.lists(st.text("a\x00\ud800\ufffd~", min_size=1), unique=True))
def test_different_ids_stay_different(identifiers: list[str]) -> None:
    assert len({storable_id(each) for each in identifiers}) == len(identifiers)


@given(ANY_JSON)
def test_any_json_becomes_strict_json_without_refused_characters(value: object) -> None:
    written = json.dumps(storable_json(value), allow_nan=False, ensure_ascii=False)
    assert "\\u0000" not in written
    written.encode("utf-8")
