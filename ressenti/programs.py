"""What the long-running programs share: their `--help`, their log, and how they are stopped."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from consumer.settings import ProgramSettings, describe, unknown_settings

SECOND_SIGNAL = 1


def settings_parser(
    command: str, what: str, settings: type[ProgramSettings]
) -> argparse.ArgumentParser:
    """A parser whose `--help` lists every setting with its default and unit."""
    lines = []
    for setting in describe(settings):
        default = f"[{' '.join(filter(None, (setting.default or 'none', setting.unit)))}]"
        lines.append(f"  {setting.variable} {default}\n      {setting.what}")
    return argparse.ArgumentParser(
        prog=f"ressenti {command}",
        description=what,
        epilog="settings, from the environment or a file .env, with [default unit]:\n"
        + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def start_logging() -> None:
    """Logs to standard error, and warns of settings that nothing reads."""
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # aiokafka tells every rebalance in a dozen lines; what matters of it we say ourselves.
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    for line in unknown_settings():
        logging.getLogger("ressenti").warning(line)


def run_until_stopped(program: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    """Runs a program until SIGTERM or SIGINT asks it to finish; a second one ends it at once."""

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def asked() -> None:
            if stop.is_set():
                os._exit(SECOND_SIGNAL)
            logging.getLogger("ressenti").info("stopping: finishing what is in hand")
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked)
        await program(stop)

    asyncio.run(run())
    return 0
