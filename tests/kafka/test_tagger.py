"""The tagger, as a process of its own, against Apache Kafka."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import jsonschema
import pytest

from consumer.schemas import schema_documents
from tests.kafka.programs import Program, Topics, program

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

SCHEMA = jsonschema.Draft202012Validator(
    schema_documents()["tagged-message.schema.json"], format_checker=jsonschema.FormatChecker()
)


@contextmanager
def tagger(topics: Topics, model: Path, folder: Path, **settings: str) -> Iterator[Program]:
    environment = topics.environment() | {"RESSENTI_MODEL": str(model)} | settings
    with program("tag", environment, folder) as running:
        yield running


def numbered(count: int) -> list[bytes]:
    return [
        json.dumps(
            {"id": f"m{number}", "text": f"Bonjour, message {number}. " * (number % 9 + 1)}
        ).encode()
        for number in range(count)
    ]


async def test_messages_are_tagged_and_exactly_the_malformed_are_dead_letters(
    apache_kafka: str, tiny_model: Path, tmp_path: Path
) -> None:
    topics = Topics(apache_kafka)
    await topics.create()
    good = [
        *numbered(40),
        json.dumps({"id": 7, "text": "<!channel> 😀", "theme": {"a": [1]}}).encode(),
        json.dumps({"id": "long", "text": "très long " * 5000}).encode(),
        json.dumps({"id": "nul", "text": "nul \u0000 ici", "subject": "Sujet"}).encode(),
    ]
    bad = [None, b"", b"not json", b'{"text": "caf\xe9"}', b'{"text": ""}', b"[1, 2]", b"\x00\xff"]
    await topics.send(good, headers=[("traceparent", b"00-1-2-3")])
    await topics.send(bad, keys=[b"key"] * len(bad), headers=[("origin", b"form")])
    await topics.send_nothing()
    with tagger(topics, tiny_model, tmp_path) as running:
        running.wait_until_ready()
        tagged = await topics.read(topics.output, len(good))
        dead = await topics.read(topics.dead_letters, len(bad) + 1)
        async with httpx.AsyncClient(trust_env=False) as client:
            metrics = (await client.get(f"{running.url}/metrics")).text
        assert running.stop() == 0, running.log

    events = {
        json.loads(record.value)["id"]: (record, json.loads(record.value)) for record in tagged
    }
    assert len(tagged) == len(events) == len(good)
    for record, event in events.values():
        SCHEMA.validate(event)
        assert set(SCHEMA.schema["properties"]) <= set(event)
        headers = dict(record.headers)
        assert headers["ce_id"] == event["id"].encode()
        assert headers["traceparent"] == b"00-1-2-3"
        assert record.partition == event["source"]["partition"]
    assert events["7"][1]["theme"] == {"a": [1]}
    assert events["nul"][1]["subject"] == "Sujet"

    bare = [record for record in dead if record.key is None]
    assert [(record.key, record.value) for record in bare] == [(None, None)]
    assert dict(bare[0].headers)["__errors.message"] == b"the record has no value"
    keyed = [record for record in dead if record.key is not None]
    assert sorted(record.value or b"-" for record in keyed) == sorted(one or b"-" for one in bad)
    for record in keyed:
        headers = dict(record.headers)
        assert headers["origin"] == b"form"
        assert record.key == b"key"
        assert headers["__errors.stage"] == b"decode"
        assert headers["__errors.topic"] == topics.input.encode()
        assert headers["__errors.group"] == topics.settings.tagger_group.encode()

    assert f'ressenti_records_consumed_total{{topic="{topics.input}"}} 51.0' in metrics
    assert 'ressenti_dead_letters_total{reason="not_json",stage="decode"} 4.0' in metrics
    assert "ressenti_model_info{" in metrics
    assert sum((await topics.committed()).values()) == len(good) + len(bad) + 1


async def test_none_is_missing_after_kill_9_at_a_random_point(
    apache_kafka: str, tiny_model: Path, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    topics = Topics(apache_kafka)
    await topics.create()
    sent = numbered(6000)
    await topics.send(sent)
    with tagger(topics, tiny_model, tmp_path, RESSENTI_MAX_IN_FLIGHT="300") as running:
        running.wait_until_ready()
        await topics.read(topics.output, chance.randrange(1, 3000))
        running.kill()
    published = len(await topics.read(topics.output, len(sent), seconds=3))
    assert published < len(sent), "killed too late to prove anything"
    with tagger(topics, tiny_model, tmp_path) as running:
        ids: set[str] = set()
        wanted = published
        while len(ids) < len(sent):
            wanted += len(sent) - len(ids)
            records = await topics.read(topics.output, wanted, seconds=30)
            ids = {json.loads(record.value)["id"] for record in records}
            wanted = len(records)
        assert running.stop() == 0, running.log
    assert ids == {f"m{number}" for number in range(len(sent))}


async def test_a_stop_finishes_what_is_in_hand_and_a_restart_repeats_nothing(
    apache_kafka: str, tiny_model: Path, tmp_path: Path
) -> None:
    topics = Topics(apache_kafka)
    await topics.create()
    sent = numbered(3000)
    await topics.send(sent)
    with tagger(topics, tiny_model, tmp_path, RESSENTI_MAX_IN_FLIGHT="200") as running:
        await topics.read(topics.output, 200)
        assert running.stop() == 0, running.log
    first = await topics.read(topics.output, len(sent), seconds=3)
    assert 200 <= len(first) < len(sent)
    assert sum((await topics.committed()).values()) == len(first)
    with tagger(topics, tiny_model, tmp_path) as running:
        records = await topics.read(topics.output, len(sent))
        assert running.stop() == 0, running.log
    records = await topics.read(topics.output, len(sent) + 1, seconds=3)
    assert len(records) == len({json.loads(record.value)["id"] for record in records}) == len(sent)


async def test_the_order_of_a_partition_is_kept_and_a_member_that_joins_loses_nothing(
    apache_kafka: str, tiny_model: Path, tmp_path: Path
) -> None:
    topics = Topics(apache_kafka, partitions=4)
    await topics.create()
    sent = numbered(4000)
    with ExitStack() as stack:
        small = {"RESSENTI_MAX_IN_FLIGHT": "200"}
        first = stack.enter_context(tagger(topics, tiny_model, tmp_path, **small))
        first.wait_until_ready()
        await topics.send(sent)
        second = stack.enter_context(tagger(topics, tiny_model, tmp_path, **small))
        second.wait_until_ready()
        records = await topics.read(topics.output, len(sent))
        assert first.stop() == 0, first.log
        assert second.stop() == 0, second.log
        assert "reading partitions" in second.log
    assert {json.loads(record.value)["id"] for record in records} == {
        f"m{number}" for number in range(len(sent))
    }
    for partition in range(4):
        offsets = [
            json.loads(record.value)["source"]["offset"]
            for record in records
            if record.partition == partition
        ]
        assert offsets == sorted(offsets)


async def test_the_api_answers_while_the_stream_is_busy(
    apache_kafka: str, tiny_model: Path, tmp_path: Path
) -> None:
    topics = Topics(apache_kafka)
    await topics.create()
    with tagger(topics, tiny_model, tmp_path) as running:
        running.wait_until_ready()
        await topics.send(numbered(3000))
        asked = time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            answer = await client.post(f"{running.url}/v1/tag", json={"texts": ["Merci !"]})
        waited = time.monotonic() - asked
        tagged = await topics.read(topics.output, 3000)
        assert running.stop() == 0
    assert answer.status_code == 200
    last = max(record.timestamp for record in tagged) / 1000
    assert waited < last - min(record.timestamp for record in tagged) / 1000 or waited < 1.0


async def test_a_tagged_message_too_large_for_its_topic_becomes_a_dead_letter(
    apache_kafka: str, tiny_model: Path, tmp_path: Path
) -> None:
    topics = Topics(apache_kafka)
    await topics.create()
    await topics.limit(topics.output, max_message_bytes=4000)
    big = json.dumps({"id": "big", "text": random.Random(1).randbytes(8000).hex()}).encode()
    await topics.send([big, *numbered(3)])
    with tagger(topics, tiny_model, tmp_path) as running:
        running.wait_until_ready()
        dead = await topics.read(topics.dead_letters, 1)
        tagged = await topics.read(topics.output, 3)
        assert running.stop() == 0, running.log
    assert sorted(json.loads(record.value)["id"] for record in tagged) == ["m0", "m1", "m2"]
    assert [record.value for record in dead] == [big]
    assert dict(dead[0].headers)["__errors.stage"] == b"publish"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"RESSENTI_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "no Kafka answers at 127.0.0.1:1"),
        ({"RESSENTI_INPUT_TOPIC": "no-such-topic"}, "no topic no-such-topic"),
        ({"RESSENTI_MODEL": "nowhere"}, "nowhere"),
        ({"RESSENTI_API_PORT": "many"}, "RESSENTI_API_PORT=many"),
        ({"RESSENTI_DEVICE": "cuda:99"}, "cuda:99"),
    ],
)
async def test_what_the_operator_can_put_right_is_told_in_one_line(
    apache_kafka: str, tiny_model: Path, tmp_path: Path, settings: dict[str, str], complaint: str
) -> None:
    topics = Topics(apache_kafka)
    await topics.create()
    settings = {"RESSENTI_STARTUP_TIMEOUT_SECONDS": "2"} | settings
    with tagger(topics, tiny_model, tmp_path, **settings) as running:
        code = await asyncio.to_thread(running.process.wait, 60)
        said = running.log.splitlines()
    assert code == 2
    assert "Traceback" not in running.log
    assert said[-1].startswith("ressenti tag: ")
    assert complaint in said[-1]
