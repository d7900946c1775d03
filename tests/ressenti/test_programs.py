"""What the long-running programs log, and how they are stopped."""

import logging
import signal
import subprocess
import sys

import pytest

from ressenti.programs import _Repetitions


def record(name: str, line: str, moment: float) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, "", 0, line, None, None)
    made.created = moment
    return made


def test_aiokafka_says_the_same_once_a_minute_and_ours_is_never_dropped() -> None:
    repetitions = _Repetitions()
    shown = [
        repetitions.filter(record("aiokafka.client", line, moment))
        for line, moment in (("no", 0.0), ("no", 30.0), ("else", 30.5), ("no", 61.0), ("no", 62.0))
    ]
    assert shown == [True, False, True, True, False]
    assert all(repetitions.filter(record("consumer.stream", "no", 0.0)) for _ in range(2))


PROGRAM = """
import asyncio, os, signal, sys
from ressenti.programs import run_until_stopped
async def program(stop):
    print("up", flush=True)
    await stop.wait()
    for _ in range({more}):
        os.kill(os.getpid(), signal.{name})
        await asyncio.sleep(0.01)
    print("finished", flush=True)
sys.exit(run_until_stopped(program))
"""


@pytest.mark.parametrize(
    ("name", "more", "said", "code"),
    [
        ("SIGTERM", 0, "finished\n", 0),
        ("SIGINT", 0, "finished\n", 0),
        ("SIGTERM", 1, "", 1),
        ("SIGHUP", 2, "finished\n", 0),
    ],
)
def test_a_program_finishes_what_is_in_hand_unless_it_is_asked_twice(
    name: str, more: int, said: str, code: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(name=name, more=more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.Signals[name])
    assert (process.communicate(timeout=30)[0], process.returncode) == (said, code)
