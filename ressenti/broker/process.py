"""A program that runs beside this one and ends with it: a broker, the tagger, the archive."""

import atexit
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from modeling.errors import OperatorError

_POLL_SECONDS = 0.05
_SHOWN_LINES = 12
# Ctrl-C, what a supervisor sends, and what a terminal sends whose window is closed.
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LocalProcess:
    """One child process, its log file, and its end.

    The child gets a session of its own: Ctrl-C in the terminal reaches only the parent, which
    then ends its children in an order of its choice.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Describes the process; nothing is started yet.

        Args:
            name: what people call it, for messages.
            command: the program and its arguments.
            log: the file that gets its output, both streams.
            environment: variables on top of this process's own.
        """
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the process; its output is added to the log."""
        with self.log.open("ab") as log, _interrupts_wait():
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
            atexit.register(self.kill)

    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self, grace_seconds: float) -> None:
        """Asks the process to end, waits for it, and kills it when it does not."""
        if self._process is not None and self.running():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self.kill()

    def kill(self) -> None:
        """Ends the process at once, without a chance to tidy up (kill -9)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        atexit.unregister(self.kill)

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Waits until the process does its work.

        Args:
            ready: whether it does; asked again and again.
            timeout_seconds: how long that may take.

        Raises:
            OperatorError: it ended, or it was not ready in time; with its last lines.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            # First whether it lives: what answers may be another program that has its port.
            if not self.running():
                raise OperatorError(self.obituary())
            if ready():
                return
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"{self.name} was not ready after {timeout_seconds:.0f} s;"
                    f" its last lines:\n{self.last_lines()}"
                )
            time.sleep(_POLL_SECONDS)

    def obituary(self) -> str:
        """How the process ended, with its last lines."""
        code = self._process.returncode if self._process is not None else None
        return (
            f"{self.name} ended by itself (exit code {code}); its last lines:\n{self.last_lines()}"
        )

    def last_lines(self) -> str:
        """The end of the log, each line indented."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            lines = []
        return "\n".join(f"  {line}" for line in lines[-_SHOWN_LINES:]) or "  (it said nothing)"


def listens(port: int) -> bool:
    """Whether somebody accepts connections on this port of the loopback address."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def ending_like_ctrl_c() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP raise `KeyboardInterrupt`, as Ctrl-C does.

    By themselves they would end this process at once, and leave the processes that it started.
    Only the first one counts, since a closed terminal sends several. What is ignored already stays
    so: that is how `nohup` keeps a program alive. In another thread than the main one this does
    nothing.
    """
    received: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            return
        # Started in the background it ignores Ctrl-C, but not its end.
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    with _handled(
        [number for number in _ENDING_SIGNALS if signal.getsignal(number) is signal.SIG_DFL], end
    ):
        yield


@contextmanager
def nothing_interrupts() -> Iterator[None]:
    """Drops Ctrl-C, SIGTERM and SIGHUP: who tidies up must not be stopped half-way."""
    with _handled(_ENDING_SIGNALS, lambda _number, _frame: None):
        yield


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Holds Ctrl-C back: between a child's birth and the note of its number, it would be lost."""
    held_back: list[int] = []
    try:
        with _handled(_ENDING_SIGNALS, lambda number, _frame: held_back.append(number)):
            yield
    finally:
        for held in held_back:
            signal.raise_signal(held)


@contextmanager
def _handled(
    numbers: Sequence[signal.Signals],
    handler: Callable[[int, FrameType | None], None],
) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Python tells only its main thread of signals
        return
    usual = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in usual.items():
            signal.signal(number, former)
