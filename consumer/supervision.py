"""What the long-running programs share to be watched: a crash heard from any thread, a verdict."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from fastapi.responses import PlainTextResponse


class Crash:
    """The first error of a worker that must not end alone: the whole process goes with it.

    Made on the event loop that waits for it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self._loop.create_future()

    def report(self, error: BaseException) -> None:
        """Takes a worker's error; may be called from any thread, and more than once."""
        with suppress(RuntimeError):  # the loop has ended, and so has everything else
            self._loop.call_soon_threadsafe(self._settle, error)

    def _settle(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def verdict(reasons: Sequence[str]) -> PlainTextResponse:
    """The answer to a health probe: 200 and ok, or 503 and why, a reason a line."""
    if reasons:
        return PlainTextResponse("\n".join(reasons) + "\n", 503)
    return PlainTextResponse("ok\n")
