"""What PostgreSQL says to whom it does not let in, and whether waiting may help.

libpq hands on a refusal's words without its code, and the words are in the server's language. Only
`PQping` looks at the code: it tells a server that is starting or stopping from one that is up.
"""

import re
from typing import Final

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from consumer.settings import PREFIX

CONNECT_TIMEOUT_SECONDS: Final = 10
_PING_SECONDS = 2
CORRECT: Final = f"correct {PREFIX}DATABASE_URL"

_ADVICE: Final = (
    ("password authentication failed", f"it refuses the user name or the password; {CORRECT}"),
    ("no password supplied", f"it asks for a password; {CORRECT}"),
    ("pg_hba.conf", f"it lets this user or this machine not in; {CORRECT}, or its pg_hba.conf"),
    ("does not exist", f"it has no such database or user; make it, or {CORRECT}"),
    ("server does not support SSL", f"it speaks no TLS; {CORRECT}"),
)
# libpq puts two spaces between a server's word for the severity, in whatever language, and the
# rest; in its own messages and the system's there is one.
_SERVER_LINE: Final = re.compile(r"failed: ([^\s:]+:  .+)")


def known_refusal(error: psycopg.OperationalError) -> str | None:
    """What is wrong and what to do, where the English words of a failed connection tell."""
    return next((advice for words, advice in _ADVICE if words in str(error)), None)


def server_line(error: psycopg.OperationalError) -> str | None:
    """The server's own words in a failed connection's error; None if no server answered."""
    lines = _SERVER_LINE.findall(str(error))
    return lines[-1].strip() if lines else None


def refusal(line: str, url: str) -> str:
    """The same for a refusal in any words, which are quoted without the address's password."""
    password = conninfo_to_dict(url).get("password")
    shown = line.replace(str(password), "…") if password else line
    return f"it does not let us in ({shown}); put that right there, or {CORRECT}"


def is_up(url: str) -> bool:
    """Whether a server is there and neither starting nor stopping; it may refuse us all the same.

    It holds up every thread meanwhile, since psycopg keeps Python's lock; so it waits not long.
    """
    timed = make_conninfo(url, connect_timeout=_PING_SECONDS)
    return pq.PGconn.ping(timed.encode()) == pq.Ping.OK
