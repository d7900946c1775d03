import asyncio
import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord

from consumer.kafka import prepare_topics
from consumer.settings import KafkaSettings
from modeling.errors import OperatorError
from ressenti.broker import EmbeddedBroker
from ressenti.broker.ports import free_ports
from ressenti.message_files import LARGEST_LINE
from ressenti.samples import SAMPLE_MESSAGES
from ressenti.send import SendReport, run_send, send
from tests.ressenti.command import started


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture
def settings(broker: EmbeddedBroker, tmp_path: Path) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=broker.bootstrap_servers,
        create_topics=True,
        topic_partitions=3,
        input_topic=f"messages-{tmp_path.name}",
    )


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Iterator[BinaryIO]:
    """The other end of the pipe that this process has as its standard input."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as stream, os.fdopen(write_end, "wb", buffering=0) as pipe:
        monkeypatch.setattr("sys.stdin", stream)
        yield cast(BinaryIO, pipe)


def environment_of(settings: KafkaSettings) -> dict[str, str]:
    return {
        "RESSENTI_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "RESSENTI_INPUT_TOPIC": settings.input_topic,
        "RESSENTI_CREATE_TOPICS": "true",
    }


def reader_of(settings: KafkaSettings) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        settings.input_topic,
        bootstrap_servers=settings.bootstrap_servers,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=20_000_000,
    )


async def sent_and_received(
    file: Path | str, settings: KafkaSettings
) -> tuple[SendReport, list[ConsumerRecord]]:
    report = await send(file, settings, lambda sent, read: None)
    records: list[ConsumerRecord] = []
    async with reader_of(settings) as reader:
        async with asyncio.timeout(20):
            while len(records) < report.sent:
                records.append(await reader.getone())
    return report, records


async def test_every_line_of_the_samples_arrives_byte_by_byte(settings: KafkaSettings) -> None:
    report, records = await sent_and_received(SAMPLE_MESSAGES, settings)
    lines = SAMPLE_MESSAGES.read_bytes().splitlines()
    assert report.sent == len(lines)
    assert sorted(record.value for record in records) == sorted(lines)
    assert report.unfit.count == 10
    assert [lines[number - 1][:2] for number in report.unfit.first].count(b'["') == 1


async def test_one_customers_messages_have_one_key_and_stay_in_order(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    file = tmp_path / "messages.jsonl"
    rows = [
        {"id": str(number), "text": "Bonjour", "customer": "c-1" if number % 2 else None}
        for number in range(50)
    ]
    file.write_text("\n".join([*map(json.dumps, rows), '{"text": "no name"}']), encoding="utf-8")
    _, records = await sent_and_received(file, settings)
    of_customer = [record for record in records if record.key == b"c-1"]
    assert len({record.partition for record in of_customer}) == 1
    assert [json.loads(record.value)["id"] for record in of_customer] == [
        str(number) for number in range(1, 50, 2)
    ]
    assert {record.key for record in records if record.key != b"c-1"} == {
        None,
        *(str(number).encode() for number in range(0, 50, 2)),
    }


async def test_blank_lines_and_a_byte_order_mark_are_no_messages(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"text": "un"}\r\n\r\n   \n{"text": "deux"}')
    report, records = await sent_and_received(file, settings)
    assert (report.sent, report.unfit.count) == (2, 0)
    assert {record.value for record in records} == {b'{"text": "un"}', b'{"text": "deux"}'}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
async def test_a_csv_row_becomes_a_message(
    settings: KafkaSettings, tmp_path: Path, separator: str, encoding: str
) -> None:
    file = tmp_path / "messages.csv"
    with file.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, delimiter=separator)
        writer.writerow(["Text", "id", "customer", "metadata.desk", "Agence"])
        writer.writerow(["Première ligne ;\nseconde, avec \t signes", "7", "", "3", "Lyon"])
        writer.writerow(["", "8", "c", "", ""])
    report, records = await sent_and_received(file, settings)
    values = [json.loads(record.value) for record in records]
    assert {
        "text": "Première ligne ;\nseconde, avec \t signes",
        "id": "7",
        "metadata": {"desk": "3"},
        "Agence": "Lyon",
    } in values
    assert {"text": "", "id": "8", "customer": "c"} in values
    assert report.unfit.first == [4]


async def test_a_csv_row_with_too_many_cells_is_not_sent_and_named(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    file = tmp_path / "messages.csv"
    file.write_text("id,text\n1,oui\n2,oui, mais non\n3,non\n", encoding="utf-8")
    report, _ = await sent_and_received(file, settings)
    assert report.sent == 2
    assert report.obstacles == ["line 3 has 3 cells and the header 2"]


async def test_a_line_that_is_too_long_is_named_and_the_others_are_sent(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    file = tmp_path / "messages.jsonl"
    long = b'{"text": "' + b"a" * (2 * LARGEST_LINE + 7) + b'"}'
    file.write_bytes(b'{"text": "1"}\n' + long + b'\n{"text": "3"}\n')
    report, records = await sent_and_received(file, settings)
    assert sorted(record.value for record in records) == [b'{"text": "1"}', b'{"text": "3"}']
    assert report.not_sent.first == [2]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("empty.jsonl", b"", "no message in"),
        ("none.jsonl", b'{"text": ""}\nBonjour\n', "needs one JSON object"),
        ("array.json", b'[{"text": "a"}]', "needs one JSON object"),
        ("picture.jsonl", b"\x89PNG\r\n\0\0", "no message in"),
        ("sheet.csv", b"PK\x03\x04\0\0\0", "not UTF-8 text"),
        ("latin.csv", "text\nD\u00e9\u00e7u\n".encode("latin-1"), "not UTF-8 text near line 2"),
        ("headless.csv", b"id,body\n1,Bonjour\n", 'no column "text"'),
        ("unclosed.csv", b'text\n"Bonjour\n' + b"x\n" * 5_000_000, "a quote that is not closed"),
        ("no-rows.csv", b"id,text\n", "needs rows with a text"),
        ("late.jsonl", b"none\n" * 1000 + b'{"text": "a"}\n', "the first 1000 lines"),
    ],
)
async def test_a_file_without_messages_is_refused_before_kafka_is_touched(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    (port,) = free_ports(1)
    nowhere = KafkaSettings(bootstrap_servers=f"127.0.0.1:{port}", startup_timeout_seconds=0.1)
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(OperatorError, match=complaint):
        await send(file, nowhere, lambda sent, read: None)


async def test_an_absent_file_is_named(settings: KafkaSettings, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"cannot read .*absent\.jsonl \(No such file"):
        await send(tmp_path / "absent.jsonl", settings, lambda sent, read: None)


def run_with(file: Path, settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> int:
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    return run_send(str(file))


def test_the_program_says_what_it_sent_and_what_will_be_dead_lettered(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(SAMPLE_MESSAGES, settings, monkeypatch) == 0
    said = capsys.readouterr().out
    assert f"messages sent to {settings.input_topic}: 249\n" in said
    assert "10 of them do not fit the contract" in said


def test_the_program_fails_when_a_line_could_not_be_sent(
    settings: KafkaSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "messages.csv"
    file.write_text("text\nbonjour\nun,deux\n", encoding="utf-8")
    assert run_with(file, settings, monkeypatch) == 1
    assert "line 3 has 2 cells" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", ['{"text": "Bonjour"}\n', "id;text\n1;Bonjour\n"], ids=["JSONL", "CSV"]
)
async def test_standard_input_is_read_as_what_its_first_line_is(
    settings: KafkaSettings, content: str, standard_input: BinaryIO
) -> None:
    standard_input.write(content.encode())
    standard_input.close()
    report, records = await sent_and_received("-", settings)
    assert report.sent == 1
    assert json.loads(records[0].value)["text"] == "Bonjour"


async def test_a_line_of_a_pipe_that_stays_open_goes_at_once_and_is_counted(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    program = started("send", "-", folder=tmp_path, environment=environment_of(settings))
    assert program.stdin is not None
    try:
        await prepare_topics(settings, [settings.input_topic])
        async with reader_of(settings) as reader:
            for number in ("1", "2"):
                program.stdin.write(json.dumps({"text": number}) + "\n")
                program.stdin.flush()
                record = await asyncio.wait_for(reader.getone(), 20)
                assert json.loads(record.value) == {"text": number}
        assert program.poll() is None, "the pipe is open still"
        said, _ = program.communicate()
        assert said == f"messages sent to {settings.input_topic}: 2\n"
        assert program.returncode == 0
    finally:
        program.kill()


async def test_what_went_down_a_pipe_is_told_while_the_pipe_stays_open(
    settings: KafkaSettings, standard_input: BinaryIO
) -> None:
    one_sent = asyncio.Event()
    sending = asyncio.create_task(
        send("-", settings, lambda sent, _: one_sent.set() if sent == 1 else None)
    )
    standard_input.write(b'{"text": "1"}\n')
    await asyncio.wait_for(one_sent.wait(), 20)
    standard_input.close()
    assert (await sending).sent == 1
