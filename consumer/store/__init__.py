"""The archive's PostgreSQL: connection, migrations, writes and queries."""
