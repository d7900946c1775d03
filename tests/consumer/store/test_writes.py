import asyncio
from datetime import datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from consumer.contracts import TaggedMessage
from consumer.settings import DatabaseSettings
from consumer.store.connection import Connection, open_database
from consumer.store.queries import message_by_id
from consumer.store.writes import (
    UnreadableEvent,
    is_a_message_at_fault,
    write_messages,
    write_unreadable_events,
)
from tests.consumer.store.messages import START, of_score, tagged


async def count(connection: Connection, table: str = "tagged_messages") -> int:
    row = await (await connection.execute(f"SELECT count(*) FROM {table}")).fetchone()
    assert row is not None
    return int(row[0])


async def test_every_field_comes_back_as_it_was_written(connection: Connection) -> None:
    full = tagged("full", unknown={"deep": [1, {"er": None}]}, other=1.5)
    bare = tagged(
        "bare",
        subject=None, channel=None, language=None, sent_at=None, customer=None, metadata=None,
        emotions=[], causes=[], needs_review=True,
    )  # fmt: skip
    await write_messages(connection, [full, bare])
    for message in (full, bare):
        found = await message_by_id(connection, message.id)
        assert found is not None
        assert found.message == message
        assert found.message.model_extra == message.model_extra
        assert found.occurred_at == (message.sent_at or message.tagged_at)
        assert found.archived_at > START


async def test_writing_the_same_again_changes_nothing(connection: Connection) -> None:
    await write_messages(connection, [tagged()])
    first = await message_by_id(connection, "m1")
    await connection.commit()
    await write_messages(connection, [tagged()])
    assert await message_by_id(connection, "m1") == first
    assert await count(connection) == 1


versions = st.builds(
    lambda identifier, second, offset: tagged(
        identifier,
        tagged_at=START + timedelta(seconds=second),
        source={"topic": "support.messages", "partition": 0, "offset": offset},
        text=f"tagged at {second} from {offset}",
        **of_score("S1", float(second)),
    ),
    st.sampled_from(["a", "b", "c\x00"]),
    st.integers(0, 3),
    st.integers(0, 3),
)


@given(st.lists(st.lists(versions, max_size=6), max_size=4))
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_newest_tagging_of_an_id_wins_in_whatever_order_and_batches(
    archive_url: str, batches: list[list[TaggedMessage]]
) -> None:
    async def scenario() -> None:
        async with await AsyncConnection.connect(archive_url) as connection:
            await connection.execute("TRUNCATE tagged_messages")
            for batch in batches:
                await write_messages(connection, batch)
            newest: dict[str, TaggedMessage] = {}
            for message in (message for batch in batches for message in batch):
                present = newest.get(message.id)
                if present is None or _rank(message) > _rank(present):
                    newest[message.id] = message
            assert await count(connection) == len(newest)
            for identifier, message in newest.items():
                found = await message_by_id(connection, identifier)
                assert found is not None
                assert found.message.text == message.text
                assert found.message.global_score == message.global_score
                assert found.message.source == message.source

    asyncio.run(scenario())


def _rank(message: TaggedMessage) -> tuple[datetime, int]:
    return message.tagged_at, message.source.offset


async def test_nul_characters_and_lone_surrogates_are_kept_as_replacement_characters(
    connection: Connection,
) -> None:
    message = tagged(
        "n\x00l", text="a\x00b", subject="\x00", metadata={"k\x00": "\ud800"}, extra_field="\udfff"
    )
    await write_messages(connection, [message, tagged("n\ufffdl")])
    assert await count(connection) == 2
    found = await message_by_id(connection, "n\x00l")
    assert found is not None
    assert found.message.text == "a\ufffdb"
    assert found.message.metadata == {"k\ufffd": "\ufffd"}
    assert found.message.model_extra == {"priority": "high", "extra_field": "\ufffd"}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(
            tagged(tagged_at=datetime.fromisoformat("0001-01-01T00:00:00+05:00")),
            id="before the calendar",
        ),
        pytest.param(
            tagged(**of_score("".join(chr(0x4E00 + place) for place in range(3000)), 3.0)),
            id="an endless label",
        ),
    ],
)
async def test_a_message_that_postgresql_refuses_is_at_fault_and_nothing_is_written(
    connection: Connection, message: TaggedMessage
) -> None:
    with pytest.raises((psycopg.Error, OverflowError)) as caught:
        await write_messages(connection, [tagged("good"), message])
    assert is_a_message_at_fault(caught.value)
    assert await count(connection) == 0


async def test_a_missing_table_is_no_message_s_fault(connection: Connection) -> None:
    await connection.execute("DROP TABLE tagged_messages")
    with pytest.raises(psycopg.Error) as caught:
        await write_messages(connection, [tagged()])
    assert not is_a_message_at_fault(caught.value)


async def test_a_text_of_a_million_different_words_is_archived(connection: Connection) -> None:
    text = " ".join(f"{number:x}é" for number in range(1_000_000))
    await write_messages(connection, [tagged("long", text=text)])
    found = await message_by_id(connection, "long")
    assert found is not None
    assert found.message.text == text


async def test_two_writers_of_the_same_ids_do_not_stop_each_other(
    settings: DatabaseSettings,
) -> None:
    messages = [tagged(f"m{number}") for number in range(200)]
    async with open_database(settings) as pool:

        async def write(some: list[TaggedMessage]) -> None:
            for _ in range(5):
                async with pool.connection() as connection:
                    await write_messages(connection, some)

        await asyncio.gather(write(messages), write(messages[::-1]))
        async with pool.connection() as connection:
            assert await count(connection) == 200


async def test_an_unreadable_event_is_kept_byte_for_byte_and_once(connection: Connection) -> None:
    event = UnreadableEvent(
        "topic", 3, 17, 1_700_000_000_000, "not_json", "\x00", None, b"\x00\xff"
    )
    await write_unreadable_events(connection, [event])
    await write_unreadable_events(connection, [event])
    rows = await (
        await connection.execute(
            "SELECT topic, partition, record_offset, reason, key, value FROM unreadable_events"
        )
    ).fetchall()
    assert rows == [("topic", 3, 17, "not_json", None, b"\x00\xff")]
