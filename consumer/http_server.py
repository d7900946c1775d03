"""An HTTP server in a thread of its own, with an event loop that Kafka never waits for."""

import errno
import socket
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from consumer.settings import PREFIX
from modeling.errors import OperatorError

_BACKLOG = 512
_GRACE_SECONDS = 5


def bind(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket.

    Args:
        host: a name or an address.
        port: 0 takes a free one.
        setting: the port's setting, named in errors.

    Raises:
        OperatorError: the port is taken, not allowed, or the address is not this machine's.
    """
    variable = f"{PREFIX}{setting.upper()}"
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OperatorError(
                f"port {port} on {host} is taken: stop what uses it, or set {variable} to another"
                " (0 takes a free one)"
            ) from error
        raise OperatorError(
            f"cannot listen on {host}:{port} ({error.strerror}): correct {variable}"
            f" or {variable.replace('PORT', 'HOST')}"
        ) from error
    return listening


class HttpServer:
    """Serves an application from its own thread.

    Args:
        application: what to serve.
        listening: a socket from `bind`.
        on_crash: told, from the server's thread, if it ends before `stop`.
    """

    def __init__(
        self,
        application: FastAPI,
        listening: socket.socket,
        on_crash: Callable[[BaseException], None],
    ) -> None:
        host, port = listening.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._listening = listening
        self._on_crash = on_crash
        self._server = uvicorn.Server(
            uvicorn.Config(
                application,
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the server's thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Answers the requests in hand, then ends."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._listening.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listening])
            if not self._server.should_exit:
                raise RuntimeError("the HTTP server ended by itself")
        except BaseException as error:  # the process must not outlive its health endpoint
            self._on_crash(error)
            raise
