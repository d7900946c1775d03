"""Reading for a group without ever standing still: one fetch at a time, and it may take its time.

While the group rebalances, a fetch cannot answer, and that may last as long as Kafka is away. The
loop that asks goes on turning meanwhile, sees a stop, and knows when what it gets is out of date.
"""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

Records = dict[TopicPartition, list[Any]]

# Asking for a partition that nobody has gives no records, keeps what is buffered of the others,
# and tells the group that we live.
_NOWHERE: Final = TopicPartition("", 0)


class Fetching:
    """The fetches of one consumer.

    Attributes:
        generation: counts the group's rebalances; records of an older one are read again by
            whoever has their partitions now.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self.generation = 0
        self._consumer = consumer
        self._fetch: asyncio.Task[tuple[int, Records]] | None = None
        self._sign_of_life: asyncio.Task[Any] | None = None

    async def start(self, stopped: asyncio.Future[Any]) -> bool:
        """Joins the group; returns False if `stopped` came first."""
        joining = asyncio.create_task(self._consumer.start())
        try:
            await asyncio.wait({joining, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if joining.done():
                joining.result()
                return True
            return False
        finally:
            joining.cancel()
            await asyncio.gather(joining, return_exceptions=True)

    async def next(self, stopped: asyncio.Future[Any], max_records: int, seconds: float) -> Records:
        """What was read within `seconds`, of the current generation; else nothing.

        Raises:
            KafkaError: the group or a partition cannot be read for good.
        """
        if self._fetch is None:
            self._fetch = asyncio.create_task(self._take(max_records, seconds))
        await asyncio.wait(
            {self._fetch, stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if not self._fetch.done():
            return {}
        fetch, self._fetch = self._fetch, None
        generation, records = fetch.result()
        return records if generation == self.generation else {}

    async def stay_in_group(self, seconds: float) -> None:
        """Shows the group that we live, without reading; waits at most `seconds`."""
        if self._sign_of_life is None:
            self._sign_of_life = asyncio.create_task(self._consumer.getmany(_NOWHERE))
        await asyncio.wait({self._sign_of_life}, timeout=seconds)
        if self._sign_of_life.done():
            sign, self._sign_of_life = self._sign_of_life, None
            sign.result()

    async def close(self) -> None:
        """Gives up what is under way."""
        tasks = [task for task in (self._fetch, self._sign_of_life) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, max_records: int, seconds: float) -> tuple[int, Records]:
        records: Records = await self._consumer.getmany(
            timeout_ms=int(seconds * 1000), max_records=max_records
        )
        return self.generation, records
