import json
import re

from consumer.contracts import Message, read_message
from ressenti.samples import SAMPLE_MESSAGES

MALFORMED = {
    "empty text": b'"malformed-empty-text"',
    "blank text and subject": b'"malformed-blank-text"',
    "not JSON": b"n'est pas du JSON",
    "not an object": b'["une liste"',
    "text of the wrong type": b'"malformed-text-is-a-number"',
    "wrong encoding": b'"malformed-encoding"',
    "truncated": b'"malformed-truncated"',
    "no text": b'"malformed-no-text"',
    "half an emoji": b'"malformed-half-an-emoji"',
    "a moment that is none": b'"malformed-moment"',
}


def sorted_lines() -> tuple[list[Message], list[bytes]]:
    valid, refused = [], []
    for line in SAMPLE_MESSAGES.read_bytes().splitlines():
        try:
            valid.append(read_message(line))
        except ValueError:
            refused.append(line)
    return valid, refused


VALID, REFUSED = sorted_lines()


def by_id(identifier: str) -> Message:
    (found,) = [message for message in VALID if message.id == identifier]
    return found


def test_two_hundred_and_thirty_nine_messages_are_valid() -> None:
    assert len(VALID) == 239


def test_exactly_the_malformed_lines_do_not_fit_the_contract() -> None:
    assert len(REFUSED) == len(MALFORMED)
    for mark in MALFORMED.values():
        assert sum(mark in line for line in REFUSED) == 1


def test_one_malformed_line_is_in_another_encoding() -> None:
    undecodable = [line for line in REFUSED if b"\xe9" in line]
    assert [line.decode("latin-1").count("passée") for line in undecodable] == [1]


def test_three_quarters_and_more_are_french_and_some_english_and_some_neither() -> None:
    languages = [message.language.split("-")[0] for message in VALID if message.language]
    assert languages.count("fr") >= 0.75 * len(languages)
    assert languages.count("en") >= 20
    assert len(set(languages) - {"fr", "en"}) >= 5


def test_ids_are_unique_and_some_messages_have_none() -> None:
    ids = [message.id for message in VALID if message.id is not None]
    assert len(set(ids)) == len(ids)
    assert len(VALID) - len(ids) >= 5


def test_every_optional_field_is_there_and_missing_somewhere() -> None:
    for field in ("subject", "channel", "language", "sent_at", "customer", "metadata"):
        given = sum(getattr(message, field) is not None for message in VALID)
        assert 20 <= given < len(VALID), field
    assert sum(bool(message.model_extra) for message in VALID) >= 10


def test_hostile_messages_are_valid() -> None:
    assert len(by_id("hostile-50000-characters").text) == 50_000
    assert not any(sign.isalnum() for sign in by_id("hostile-emoji-only").text)
    assert "<script>" in by_id("hostile-html").text
    assert {"<!channel>", "<@U123>"} <= set(by_id("hostile-slack-mention").text.split())
    assert "\u202e" in by_id("hostile-right-to-left").text
    assert "\0" in by_id("hostile-nul").text
    assert max(map(len, by_id("hostile-long-word").text.split())) > 4000
    assert json.loads(by_id("hostile-json-text").text)["global_score"]
    assert by_id("20250311").text


def iban_remainder(iban: str) -> int:
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97


def luhn_sum(number: str) -> int:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 * (value > 9) for value in doubled)


def test_invented_personal_data_looks_real_to_a_checksum() -> None:
    text = "\n".join(message.text for message in VALID)
    ibans = [
        found.replace(" ", "") for found in re.findall(r"\b(?:FR|GB)\d\d(?: \w{2,4}){5,6}", text)
    ]
    assert len(ibans) == 3
    assert [iban_remainder(iban) for iban in ibans] == [1, 1, 1]
    (card,) = re.findall(r"\b4970(?: \d{4}){3}\b", text)
    assert luhn_sum(card.replace(" ", "")) % 10 == 0
    ((number, key),) = re.findall(r"\b([12]\d{12}) (\d\d)\b", text)
    assert 97 - int(number) % 97 == int(key)
    assert len(re.findall(r"[\w.]+@[\w.]+", text)) >= 3
