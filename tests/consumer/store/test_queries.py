import itertools
import random
from datetime import timedelta

import pytest

from consumer.contracts import TaggedMessage
from consumer.store import queries
from consumer.store.connection import Connection
from consumer.store.filters import EVERYTHING, Filters
from consumer.store.queries import find_messages, message_by_id
from consumer.store.writes import write_messages
from tests.consumer.store.messages import START, of_labels, of_score, tagged


async def found(connection: Connection, filters: Filters) -> list[str]:
    page = await find_messages(connection, filters, limit=100)
    return sorted(each.message.id for each in page.messages)


async def test_an_unknown_id_gives_nothing(connection: Connection) -> None:
    assert await message_by_id(connection, "unknown") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Le délai est trop long", "delai"),
        ("Le delai est trop long", "délai"),
        ("La commande a été livrée", "livrer"),
        ("La commande a ete livree", "livré"),
        ("Ils ont LIVRÉ à côté", "livrées"),
        ("mon cœur", "coeur"),
        ("l’application plante", "APPLICATIONS"),
        ("«remboursement»…", "remboursements"),
        ("De\u0301c\u0327u", "déçu"),
        ("merci😀beaucoup", "merci"),
        ("le service client répond", '"service client"'),
        ("le service client répond", "«service client»"),
        ("le service client répond", "colis or client"),
        ("le service client répond", "service -colis"),
        ("Mon numéro est 0612", "0612"),
    ],
)
async def test_words_are_found_without_accents_case_endings_or_typography(
    connection: Connection, text: str, words: str
) -> None:
    await write_messages(connection, [tagged("it", text=text, subject=None)])
    await write_messages(connection, [tagged("other", text="Bonjour", subject=None)])
    assert await found(connection, Filters(words=words)) == ["it"]


@pytest.mark.parametrize(
    "words",
    ['"client service"', "service -client", "colis", "service colis", "", "le", "\x00", "(:*&|!"],
)
async def test_words_that_are_not_there_find_nothing(connection: Connection, words: str) -> None:
    await write_messages(connection, [tagged("it", text="le service client répond", subject=None)])
    assert await found(connection, Filters(words=words)) == []


async def test_the_subject_is_searched_as_well(connection: Connection) -> None:
    await write_messages(connection, [tagged("it", subject="Résiliation", text="Bonjour")])
    assert await found(connection, Filters(words="resiliation bonjour")) == ["it"]


def various_messages() -> list[TaggedMessage]:
    return [
        tagged(
            f"m{number:02}",
            text=("colis cassé", "merci beaucoup", "colis perdu")[number % 3],
            subject=None,
            sent_at=START + timedelta(hours=number // 2),
            channel=("mail", "chat", None)[number % 3],
            emotions=of_labels(*("E1", "E6")[: number % 3]),
            causes=of_labels(("C1", "C2")[number % 2]),
            **of_score(f"S{number % 5 + 1}", number % 5),
        )
        for number in range(30)
    ]


def passes(message: TaggedMessage, filters: Filters) -> bool:
    """What the filters mean, said in Python."""
    assert message.sent_at is not None
    return all(
        (
            filters.since is None or message.sent_at >= filters.since,
            filters.until is None or message.sent_at < filters.until,
            filters.words is None or filters.words in message.text,
            not filters.scores or message.global_score.label in filters.scores,
            filters.emotion is None or filters.emotion in {each.label for each in message.emotions},
            filters.cause is None or filters.cause in {each.label for each in message.causes},
            filters.channel is None or filters.channel == message.channel,
        )
    )


moments = [None, START + timedelta(hours=4), START + timedelta(hours=11)]
every_filters = [
    Filters(*choice)
    for choice in itertools.product(
        moments,
        moments,
        [None, "colis", "merci", "perdu"],
        [(), ("S5",), ("S1", "S2")],
        [None, "E1", "E6", "E11"],
        [None, "C1"],
        [None, "mail"],
    )
]


@pytest.mark.parametrize("looked_through", [3, 20_000])
async def test_the_pages_hold_each_message_that_passes_once_latest_first(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, looked_through: int
) -> None:
    monkeypatch.setattr(queries, "LOOKED_THROUGH", looked_through)
    messages = various_messages()
    await write_messages(connection, messages)
    for filters in [EVERYTHING, *random.Random(0).sample(every_filters, 100)]:
        expected = sorted(
            ((each.sent_at, each.id) for each in messages if passes(each, filters)), reverse=True
        )
        collected = []
        page = await find_messages(connection, filters, limit=4)
        while True:
            collected += [(each.occurred_at, each.message.id) for each in page.messages]
            if page.next is None:
                break
            assert len(page.messages) == 4
            page = await find_messages(connection, filters, limit=4, after=page.next)
        assert collected == expected, filters


async def test_a_message_that_arrives_between_two_pages_shifts_nothing(
    connection: Connection,
) -> None:
    await write_messages(connection, various_messages())
    first = await find_messages(connection, EVERYTHING, limit=10)
    await write_messages(connection, [tagged("new", sent_at=START + timedelta(days=9))])
    second = await find_messages(connection, EVERYTHING, limit=10, after=first.next)
    assert [each.message.id for each in second.messages] == [f"m{n:02}" for n in range(19, 9, -1)]


@pytest.mark.parametrize("limit", [0, 1001])
async def test_a_page_has_bounds(connection: Connection, limit: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        await find_messages(connection, EVERYTHING, limit=limit)
