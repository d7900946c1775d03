"""What the roof asks of somebody else's Kafka: the doctor's look, and the demo's tidying up."""

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from consumer.kafka import prepare_topics
from ressenti.demo.removal import remove_from_broker
from ressenti.doctor_kafka import look_at_kafka
from tests.kafka.programs import Topics

pytestmark = pytest.mark.kafka


async def test_the_doctor_warns_of_a_dead_letter_topic_that_takes_less_than_the_input(
    apache_kafka: str,
) -> None:
    topics = Topics(apache_kafka)
    await topics.create()
    assert (await look_at_kafka(topics.settings))[1] == []
    await topics.limit(topics.dead_letters, max_message_bytes=1_000_000)
    (advice,) = (await look_at_kafka(topics.settings))[1]
    assert f"{topics.dead_letters} takes max.message.bytes=1000000" in advice


async def test_the_demo_removes_its_topics_and_groups_and_names_what_stays(
    apache_kafka: str, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = Topics(apache_kafka)
    names = [topics.input, topics.output, topics.dead_letters]
    group = topics.settings.tagger_group
    await prepare_topics(topics.settings, names)
    admin = AIOKafkaAdminClient(bootstrap_servers=apache_kafka)
    await admin.start()
    consumer = AIOKafkaConsumer(topics.input, bootstrap_servers=apache_kafka, group_id=group)
    try:
        await consumer.start()
        await consumer.commit()
        await remove_from_broker(topics.settings, [], [group])
        assert f"delete there: {group}" in capsys.readouterr().err, "it has a member still"
        await consumer.stop()
        await remove_from_broker(topics.settings, names, [group])
        assert capsys.readouterr().err == ""
        assert not set(names) & set(await admin.list_topics())
        assert group not in {name for name, _ in await admin.list_consumer_groups()}
    finally:
        await consumer.stop()
        await admin.close()
