"""Every query on a million messages: which way it goes, and how many blocks it touches.

Blocks of 8 KiB are what a query costs on any machine; the table has more than 90,000 of them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from consumer.settings import DatabaseSettings
from consumer.store.connection import Connection, open_database
from consumer.store.filters import EVERYTHING, Filters
from consumer.store.migrations import migrate
from consumer.store.queries import (
    Position,
    collecting_statement,
    find_messages,
    latest_statement,
    message_by_id,
)
from consumer.store.statistics import Bucket, Group, statistics, statistics_statement
from tests.consumer.store.filling import ROWS, fill, plan_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
A_MONTH = Filters(since=NOW - timedelta(days=30), until=NOW)
# What the latest messages cost at most, when a page is not full before they are all looked through.
LATEST = 4_000
# A few blocks for each of the 21 rows of a page.
A_PAGE = 150


@pytest.fixture(scope="module")
def million(server: str) -> Iterator[str]:
    """The connection string of an archive with a million messages, spread over 2025."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE million TEMPLATE template0")
        url = make_conninfo(server, dbname="million")
        migrate(url)
        fill(url)
        yield url
        connection.execute("DROP DATABASE million WITH (FORCE)")


@pytest.fixture
async def archive(million: str) -> AsyncIterator[Connection]:
    settings = DatabaseSettings(database_url=SecretStr(million))
    async with open_database(settings) as pool, pool.connection() as connection:
        yield connection


async def test_the_archive_is_as_large_as_it_says(archive: Connection) -> None:
    assert (await statistics(archive, EVERYTHING)).messages == ROWS


FREQUENT = [
    pytest.param(EVERYTHING, id="everything"),
    pytest.param(A_MONTH, id="a month"),
    pytest.param(Filters(scores=("S5",)), id="a score"),
    pytest.param(Filters(emotion="E1"), id="an emotion"),
    pytest.param(Filters(cause="C5"), id="a cause"),
    pytest.param(Filters(channel="mail"), id="a channel"),
    pytest.param(Filters(words="bonjour"), id="the commonest word"),
    pytest.param(Filters(words="panne réseau"), id="two words"),
    pytest.param(Filters(words="panne", scores=("S5",), cause="C5"), id="a word and labels"),
    pytest.param(Filters(words="panne", until=NOW - timedelta(days=200)), id="half a year ago"),
]


@pytest.mark.parametrize("filters", FREQUENT)
async def test_a_page_of_what_is_frequent_is_full_after_the_latest_messages(
    archive: Connection, filters: Filters
) -> None:
    plan = await plan_of(archive, *latest_statement(filters, 21, None))
    assert not plan.scans_the_table, plan.text
    assert plan.blocks < LATEST, plan.text
    page = await find_messages(archive, filters)
    assert len(page.messages) == 20
    assert page.next is not None


RARE = [
    pytest.param(Filters(words="4711x"), id="a rare word"),
    pytest.param(Filters(words="4711x", since=A_MONTH.since), id="a rare word in a month"),
    pytest.param(Filters(words="introuvable"), id="an unknown word"),
    pytest.param(Filters(words='"anniversaire volet"'), id="a phrase"),
    pytest.param(Filters(emotion="E11"), id="a rare emotion"),
    pytest.param(Filters(cause="C12"), id="a rare cause"),
    pytest.param(Filters(emotion="E11", cause="C12"), id="two rare labels"),
    pytest.param(Filters(words="panne", emotion="E11"), id="a rare label with a word"),
]


@pytest.mark.parametrize("filters", RARE)
async def test_a_page_of_what_is_rare_is_collected_from_the_indexes(
    archive: Connection, filters: Filters
) -> None:
    latest = await plan_of(archive, *latest_statement(filters, 21, None))
    assert not latest.scans_the_table, latest.text
    assert latest.blocks < LATEST, latest.text
    collecting = await plan_of(archive, *collecting_statement(filters, 21, None))
    assert not collecting.scans_the_table, collecting.text
    assert collecting.blocks < LATEST, collecting.text


async def test_frequent_words_in_a_rare_order_do_not_lead_through_the_whole_table(
    archive: Connection,
) -> None:
    """The planner takes such a phrase for frequent, and would look for it from message to message.

    What it costs is the messages that hold all the words, in whatever order.
    """
    filters = Filters(words='"bonjour commande livraison service client"')
    plan = await plan_of(archive, *collecting_statement(filters, 21, None))
    assert "tagged_messages_by_words" in plan.text
    assert plan.blocks < 40_000, plan.text


async def test_a_channel_that_does_not_exist_costs_one_walk_through_an_index(
    archive: Connection,
) -> None:
    plan = await plan_of(archive, *collecting_statement(Filters(channel="fax"), 21, None))
    assert not plan.scans_the_table, plan.text
    assert plan.blocks < 25_000, plan.text


async def test_a_page_deep_in_the_past_costs_as_much_as_the_first(archive: Connection) -> None:
    half_a_year_ago = Position(NOW - timedelta(days=180), "message-1")
    plan = await plan_of(archive, *latest_statement(EVERYTHING, 21, half_a_year_ago))
    assert plan.blocks < A_PAGE, plan.text


async def test_a_message_is_found_by_its_id_in_a_few_blocks(archive: Connection) -> None:
    plan = await plan_of(
        archive, "SELECT * FROM tagged_messages WHERE id = %(id)s", {"id": "message-777777"}
    )
    assert plan.blocks < 10, plan.text
    assert await message_by_id(archive, "message-777777") is not None


@pytest.mark.parametrize("bucket", [None, *Bucket])
@pytest.mark.parametrize("group", [None, *Group])
async def test_statistics_of_a_month_are_answered_by_an_index_alone(
    archive: Connection, group: Group | None, bucket: Bucket | None
) -> None:
    statement = statistics_statement(A_MONTH, group, bucket, "Europe/Paris")
    plan = await plan_of(archive, *statement)
    assert "Index Only Scan using tagged_messages_by_time" in plan.text
    assert plan.blocks < 4_000, plan.text


@pytest.mark.parametrize("group", [None, *Group])
async def test_statistics_of_the_whole_year_never_read_the_table(
    archive: Connection, group: Group | None
) -> None:
    plan = await plan_of(archive, *statistics_statement(EVERYTHING, group))
    assert "Index Only Scan using tagged_messages_by_time" in plan.text
    assert plan.blocks < 25_000, plan.text


@pytest.mark.parametrize(
    ("filters", "blocks"),
    [
        pytest.param(Filters(words="panne réseau"), 30_000, id="two words"),
        pytest.param(Filters(words="panne réseau", since=A_MONTH.since), 8_000, id="in a month"),
        pytest.param(Filters(words="4711x"), 500, id="a rare word"),
        pytest.param(Filters(words="introuvable"), 20, id="an unknown word"),
        pytest.param(Filters(emotion="E11"), 4_000, id="a rare emotion"),
        pytest.param(Filters(scores=("S5",), emotion="E1"), 25_000, id="a score and an emotion"),
        pytest.param(Filters(channel="mail", since=A_MONTH.since), 4_000, id="a channel"),
    ],
)
async def test_statistics_of_what_passes_a_filter_do_not_scan_the_table(
    archive: Connection, filters: Filters, blocks: int
) -> None:
    plan = await plan_of(archive, *statistics_statement(filters))
    assert not plan.scans_the_table, plan.text
    assert plan.blocks < blocks, plan.text


async def test_none_of_these_takes_long(archive: Connection) -> None:
    """A wide bound on time, for what blocks do not show."""
    async with asyncio.timeout(10):
        for parameters in (*FREQUENT, *RARE):
            filters = parameters.values[0]
            assert isinstance(filters, Filters)
            await find_messages(archive, filters)
