"""Free ports on the loopback address."""

import random
import socket

# Below the ports that Linux and macOS give to outgoing connections: otherwise a client that
# retries while a broker is down could be given the broker's own port, and block its restart.
_FIRST, _LAST = 15_000, 32_000
_ATTEMPTS = 200


def free_ports(count: int) -> list[int]:
    """Different ports on 127.0.0.1 that nobody listens on at this moment.

    Another program can take one before it is used; who starts a server on it tries again then.

    Raises:
        OSError: none was found.
    """
    chosen: list[int] = []
    # Not the seeded generator: two test runs with the same seed must not choose alike.
    candidates = random.SystemRandom().sample(range(_FIRST, _LAST), _ATTEMPTS)
    for port in candidates:
        if len(chosen) == count:
            break
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen.append(port)
    if len(chosen) < count:
        raise OSError(f"no {count} free ports between {_FIRST} and {_LAST}")
    return chosen
