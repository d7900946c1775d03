"""`ressenti send`: the messages of a file into Kafka, each one acknowledged."""

import asyncio
import queue
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.structs import RecordMetadata
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from consumer.kafka import client_options, prepare_topics
from consumer.settings import KafkaSettings, load_settings
from modeling.errors import OperatorError
from ressenti.message_files import LARGEST_LINE, Line, read_lines

STANDARD_INPUT = "-"
_IN_FLIGHT = 5_000
_READ_AHEAD = 2_000
_READER_POLL_SECONDS = 0.01
_SHOWN_LINES = 20
_ENVELOPE_BYTES = 100_000  # room for key and record headers around the largest line


@dataclass
class LineNumbers:
    """How many lines, and the numbers of the first of them."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, number: int) -> None:
        """Counts one more line."""
        self.count += 1
        if len(self.first) < _SHOWN_LINES:
            self.first.append(number)

    def __str__(self) -> str:
        return ", ".join(map(str, self.first)) + (", …" if self.count > len(self.first) else "")


@dataclass
class SendReport:
    """What became of a file's messages."""

    sent: int = 0
    """Acknowledged by Kafka."""
    unfit: LineNumbers = field(default_factory=LineNumbers)
    """Of those sent: lines that do not fit the contract, which the tagger will dead-letter."""
    not_sent: LineNumbers = field(default_factory=LineNumbers)
    obstacles: list[str] = field(default_factory=list)
    """Why the first lines that were not sent were not."""

    def could_not_send(self, number: int, obstacle: str) -> None:
        """Counts a line that was not sent."""
        self.not_sent.add(number)
        if len(self.obstacles) < _SHOWN_LINES:
            self.obstacles.append(f"line {number} {obstacle}")


async def send(
    source: str | Path, settings: KafkaSettings, progress: Callable[[int, int], None]
) -> SendReport:
    """Sends the messages of a file to the input topic and waits for every acknowledgement.

    Lines that do not fit the contract are sent as they are: the tagger sets them aside, so that
    nothing is lost between a producer and a dead letter.

    Args:
        source: a JSONL or CSV file, or `-` for standard input.
        settings: where Kafka is.
        progress: told the messages acknowledged and the bytes read so far.

    Raises:
        OperatorError: the file cannot be read or holds no message, and then nothing was sent; or
            Kafka does not answer.
    """
    with _opened(str(source)) as stream:
        name = "standard input" if source == STANDARD_INPUT else str(source)
        lines = _in_background(lambda: read_lines(stream, name))
        # The first line is read before Kafka is touched: a bad file changes nothing there.
        while (first := await anext(lines)) is None:
            pass
        await prepare_topics(settings, [settings.input_topic])
        producer = AIOKafkaProducer(
            **client_options(settings),
            acks="all",
            linger_ms=5,
            max_request_size=LARGEST_LINE + _ENVELOPE_BYTES,
        )
        await producer.start()
        try:
            return await _Sending(producer, settings.input_topic, progress).run(
                first, lines, stream
            )
        except KafkaError as error:
            raise OperatorError(
                f"Kafka at {settings.bootstrap_servers} stopped taking messages"
                f" ({type(error).__name__}); see its log and send the file again"
            ) from error
        finally:
            await producer.stop()


def check_source(source: str) -> None:
    """Sees whether a file can be read and holds messages, before anything is started for it.

    Raises:
        OperatorError: it cannot, or does not. Standard input is not looked at.
    """
    if source != STANDARD_INPUT:
        with _opened(source) as stream:
            read_lines(stream, source)


class _Sending:
    """One file on its way, at most so many messages ahead of their acknowledgements."""

    def __init__(
        self, producer: AIOKafkaProducer, topic: str, progress: Callable[[int, int], None]
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._progress = progress
        self._report = SendReport()
        self._waiting: deque[tuple[Line, asyncio.Future[RecordMetadata]]] = deque()

    async def run(
        self, first: Line, others: AsyncIterator[Line | None], stream: BinaryIO
    ) -> SendReport:
        await self._send(first)
        async for line in others:
            if line is not None:
                await self._send(line)
            while self._waiting and (
                len(self._waiting) >= _IN_FLIGHT or self._waiting[0][1].done()
            ):
                await self._acknowledge_oldest()
            if line is None or line.number % 100 == 0:
                self._progress(self._report.sent, _position(stream))
        while self._waiting:
            await self._acknowledge_oldest()
        self._progress(self._report.sent, _position(stream))
        return self._report

    async def _send(self, line: Line) -> None:
        if line.obstacle is not None:
            self._report.could_not_send(line.number, line.obstacle)
            return
        acknowledgement = await self._producer.send(self._topic, line.value, key=line.key)
        self._waiting.append((line, acknowledgement))

    async def _acknowledge_oldest(self) -> None:
        line, acknowledgement = self._waiting.popleft()
        try:
            await acknowledgement
        except MessageSizeTooLargeError:
            size = f"{len(line.value):,} bytes"
            self._report.could_not_send(line.number, f"has {size}, more than the topic allows")
            return
        self._report.sent += 1
        if not line.fits:
            self._report.unfit.add(line.number)


async def _in_background(read: Callable[[], Iterator[Line]]) -> AsyncIterator[Line | None]:
    """Reads in a thread: a pipe that says nothing for a while must not hold up what was sent.

    A daemon thread, because nothing else ends the wait for a pipe when Ctrl-C is pressed.

    Yields:
        a line, or None again and again while there is none yet.
    """
    ahead: queue.Queue[Line | BaseException | None] = queue.Queue(_READ_AHEAD)

    def fill() -> None:
        try:
            for line in read():
                ahead.put(line)
            ahead.put(None)
        except BaseException as error:
            ahead.put(error)

    threading.Thread(target=fill, daemon=True, name="file reader").start()
    while True:
        try:
            item = ahead.get_nowait()
        except queue.Empty:
            yield None
            await asyncio.sleep(_READER_POLL_SECONDS)
            continue
        if item is None:
            return
        if isinstance(item, BaseException):
            raise item
        yield item


def _opened(source: str) -> AbstractContextManager[BinaryIO]:
    if source == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise OperatorError(
            f"cannot read {source} ({error.strerror}); name a JSONL or CSV file,"
            " or - for standard input"
        ) from error


def _position(stream: BinaryIO) -> int:
    return stream.tell() if stream.seekable() else 0


def run_send(file: str) -> int:
    """What the command `ressenti send FILE` does.

    Returns:
        The exit code: 1 when a line could not be sent, else 0.

    Raises:
        OperatorError: see `send`.
    """
    settings = load_settings(KafkaSettings)
    size = Path(file).stat().st_size if Path(file).is_file() else None
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[sent]} messages"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("send", total=size, sent=0)
        report = asyncio.run(
            send(file, settings, lambda sent, read: bar.update(task, completed=read, sent=sent))
        )
    print(f"messages sent to {settings.input_topic}: {report.sent}")
    if report.unfit.count:
        print(
            f"{report.unfit.count} of them do not fit the contract and will be dead-lettered:"
            f" lines {report.unfit}"
        )
    if report.not_sent.count:
        print(f"{report.not_sent.count} lines were not sent:", *report.obstacles, sep="\n  ")
        return 1
    return 0
