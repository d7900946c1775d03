"""The tables' history: revisions in raw SQL, applied in order by Alembic."""

from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from modeling.errors import OperatorError

# Any number will do, as long as all of Ressenti's programs use the same one.
_LOCK: Final = 7_305_193_604


def migrate(url: str) -> None:
    """Brings the database's tables up to date; what is up to date stays as it is.

    Everything happens in one transaction behind a lock, so programs that start together wait for
    one another, and a revision that fails leaves nothing behind.

    Args:
        url: the connection string, with the password.

    Raises:
        OperatorError: the database was made by a newer version of the program.
        psycopg.Error: the server refuses.
    """
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool
    )
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            _refuse_newer(connection, ScriptDirectory.from_config(config))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise error.orig from None
        raise


def _refuse_newer(connection: Connection, script: ScriptDirectory) -> None:
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return
    known = {revision.revision for revision in script.walk_revisions()}
    found = set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    if not found <= known:
        raise OperatorError(
            f"the database is newer than this program (revision {', '.join(found - known)});"
            " update ressenti"
        )
