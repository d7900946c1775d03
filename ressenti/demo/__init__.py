"""`ressenti demo`: the whole of Ressenti at work on this machine, on its own sample messages."""

import asyncio
import json
import sys
import time
from contextlib import ExitStack, suppress
from typing import Any

from rich.console import Console

from modeling.errors import OperatorError
from ressenti.broker import open_broker
from ressenti.demo.display import Display, LiveDisplay, PlainDisplay, summary_table
from ressenti.demo.installation import Installation, installed
from ressenti.demo.progress import Progress
from ressenti.demo.watching import read_batches, watch_archive, watch_batches, watch_topics
from ressenti.samples import SAMPLE_MESSAGES
from ressenti.send import SendReport, check_source, send

__all__ = ["run_demo"]

_TURN_SECONDS = 0.1
_PATIENCE_SECONDS = 60.0


def run_demo(broker: str = "embedded", messages: str | None = None) -> int:
    """What the command `ressenti demo` does.

    The last line on standard output is one JSON object with the run's figures. In a terminal,
    everything then stays up until Ctrl-C.

    Args:
        broker: `embedded`, `apache`, or the address of a running one as host:port.
        messages: a JSONL or CSV file, `-` for standard input; the sample messages if None.

    Returns:
        The exit code: 1 when a message could not be sent, else 0.

    Raises:
        OperatorError: something did not start, or died on the way.
    """
    source = messages or str(SAMPLE_MESSAGES)
    check_source(source)
    console = Console()
    in_terminal = console.is_terminal
    display: Display = LiveDisplay(console) if in_terminal else PlainDisplay()
    with ExitStack() as stack:
        installation = stack.enter_context(installed(open_broker(broker), display.say))
        with display:
            report, summary = asyncio.run(_watch(installation, source, display))
        console.print(summary_table(summary))
        for obstacle in report.obstacles:
            print(f"not sent: {obstacle}", file=sys.stderr)
        if in_terminal:
            print(_what_is_up(installation))
        print(json.dumps(summary), flush=True)
        if in_terminal:
            _stay_up(installation)
    return 1 if report.not_sent.count else 0


async def _watch(
    installation: Installation, source: str, display: Display
) -> tuple[SendReport, dict[str, Any]]:
    """Sends the messages and watches them until the last one is archived."""
    kafka = installation.kafka
    progress = Progress()
    sending = asyncio.create_task(
        send(source, kafka, lambda sent, _: progress.on_sent(sent, time.time()))
    )
    watching = [
        asyncio.create_task(watch_topics(kafka, progress)),
        asyncio.create_task(watch_archive(installation.database_url, progress)),
        asyncio.create_task(watch_batches(installation.api_port, progress)),
    ]
    try:
        while not progress.finished:
            for task in (sending, *watching):
                if task.done():
                    task.result()
            if sending.done():
                progress.on_sent(sending.result().sent, time.time(), last=True)
            installation.check()
            _check_that_it_moves(progress, installation)
            display.show(progress.snapshot(time.time()))
            await asyncio.sleep(_TURN_SECONDS)
        await read_batches(installation.api_port, progress)
        display.show(progress.snapshot(time.time()), last=True)
        return sending.result(), progress.summary()
    finally:
        for task in (sending, *watching):
            task.cancel()
        await asyncio.gather(sending, *watching, return_exceptions=True)


def _check_that_it_moves(progress: Progress, installation: Installation) -> None:
    if progress.quiet_seconds(time.time()) > _PATIENCE_SECONDS:
        so_far = progress.snapshot(time.time())
        raise OperatorError(
            f"nothing has moved for {_PATIENCE_SECONDS:.0f} s: {so_far.sent} messages sent,"
            f" {so_far.tagged} tagged, {so_far.dead_letters} dead letters,"
            f" {so_far.archived} archived; the programs' last lines:\n{installation.last_lines()}"
        )


def _what_is_up(installation: Installation) -> str:
    kafka = installation.kafka
    return f"""\
try it   curl -s {installation.api_url}/v1/tag \\
           -H 'Content-Type: application/json' -d '{{"texts": ["Bravo pour votre accueil !"]}}'
API      {installation.api_url}/openapi.json (its description)
metrics  {installation.api_url}/metrics (tagger)
         {installation.archive_metrics_url} (archive)
Kafka    {kafka.bootstrap_servers} (messages go to {kafka.input_topic})
Everything stays up until Ctrl-C."""


def _stay_up(installation: Installation) -> None:
    with suppress(KeyboardInterrupt):
        while True:
            installation.check()
            time.sleep(1.0)
