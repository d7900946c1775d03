from datetime import UTC, datetime

import pytest

from consumer.store.connection import Connection
from consumer.store.filters import EVERYTHING, Filters
from consumer.store.statistics import (
    Bucket,
    Group,
    Statistics,
    statistics,
    statistics_by,
    statistics_by_time,
)
from consumer.store.writes import write_messages
from tests.consumer.store.messages import of_labels, of_score, tagged


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
async def archive(connection: Connection) -> Connection:
    rows = [
        ("2026-03-01T10:00", "S1", 0.5, ["E1"], ["C1"], "mail"),
        ("2026-03-01T22:30", "S5", 3.5, ["E6", "E2"], ["C1", "C2"], "chat"),
        ("2026-03-01T23:30", "S5", 4.0, [], [], None),
        ("2026-03-09T00:00", "S3", 2.0, ["E6"], ["C2"], "mail"),
    ]
    await write_messages(
        connection,
        [
            tagged(
                f"m{number}",
                sent_at=moment(sent),
                emotions=of_labels(*emotions),
                causes=of_labels(*causes),
                channel=channel,
                **of_score(label, score),
            )
            for number, (sent, label, score, emotions, causes, channel) in enumerate(rows)
        ],
    )
    return connection


async def test_count_and_mean_score_of_what_passes(archive: Connection) -> None:
    assert await statistics(archive, EVERYTHING) == Statistics(4, 2.5)
    assert await statistics(archive, Filters(emotion="E6")) == Statistics(2, 2.75)
    assert await statistics(archive, Filters(words="colis", scores=("S5",))) == Statistics(2, 3.75)
    until = Filters(since=moment("2026-03-01T22:30"), until=moment("2026-03-09T00:00"))
    assert await statistics(archive, until) == Statistics(2, 3.75)


async def test_nothing_has_no_mean(archive: Connection) -> None:
    assert await statistics(archive, Filters(channel="fax")) == Statistics(0, None)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (Group.SCORE, [("S1", 1, 0.5), ("S3", 1, 2.0), ("S5", 2, 3.75)]),
        (Group.EMOTION, [("E1", 1, 0.5), ("E2", 1, 3.5), ("E6", 2, 2.75)]),
        (Group.CAUSE, [("C1", 2, 2.0), ("C2", 2, 2.75)]),
        (Group.CHANNEL, [("chat", 1, 3.5), ("mail", 2, 1.25), (None, 1, 4.0)]),
    ],
)
async def test_a_message_counts_once_for_each_of_its_labels(
    archive: Connection, group: Group, expected: list[tuple[str | None, int, float]]
) -> None:
    found = await statistics_by(archive, EVERYTHING, group)
    assert [(each.label, each.messages, each.mean_score) for each in found] == expected


async def test_days_begin_at_midnight_where_the_people_are(archive: Connection) -> None:
    in_utc = await statistics_by_time(archive, EVERYTHING, Bucket.DAY)
    assert [(each.start, each.messages) for each in in_utc] == [
        (moment("2026-03-01"), 3),
        (moment("2026-03-09"), 1),
    ]
    in_paris = await statistics_by_time(archive, EVERYTHING, Bucket.DAY, zone="Europe/Paris")
    assert [(each.start, each.messages) for each in in_paris] == [
        (moment("2026-02-28T23:00"), 2),
        (moment("2026-03-01T23:00"), 1),
        (moment("2026-03-08T23:00"), 1),
    ]


@pytest.mark.parametrize(
    ("bucket", "starts"),
    [
        (Bucket.HOUR, ["2026-03-01T10:00", "2026-03-01T22:00", "2026-03-01T23:00", "2026-03-09"]),
        (Bucket.WEEK, ["2026-02-23", "2026-03-09"]),
        (Bucket.MONTH, ["2026-03-01"]),
    ],
)
async def test_stretches_of_time(archive: Connection, bucket: Bucket, starts: list[str]) -> None:
    found = await statistics_by_time(archive, EVERYTHING, bucket)
    assert [each.start for each in found] == [moment(start) for start in starts]
    assert sum(each.messages for each in found) == 4


async def test_a_stretch_of_time_can_be_split_by_label(archive: Connection) -> None:
    found = await statistics_by_time(archive, EVERYTHING, Bucket.WEEK, Group.SCORE)
    assert found == (
        Statistics(1, 0.5, "S1", moment("2026-02-23")),
        Statistics(2, 3.75, "S5", moment("2026-02-23")),
        Statistics(1, 2.0, "S3", moment("2026-03-09")),
    )
