"""Tagged messages, their indexes, and the events that nobody can read."""

from alembic import op

revision = "0001"
down_revision = None

# Accents, case, ligatures and typographic signs make no difference to a search. The extension
# `unaccent` would need a superuser on many servers and is missing from the embedded one.
# French stems of a participle differ with the accents gone (livrée → livre, livré → livr):
# the last step makes them one again.
SEARCHABLE_TEXT = r"""
CREATE FUNCTION searchable_text(original text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(
    regexp_replace(
        regexp_replace(
            replace(replace(lower(normalize(original, NFKD)), 'œ', 'oe'), 'æ', 'ae'),
            '[\u0300-\u036F]+', '', 'g'
        ),
        '[\u00A0-\u00BF\u2000-\u2BFF\u3000-\u303F\uFE00-\uFE0F\uFFF0-\uFFFF\U0001F000-\U0001FAFF]+',
        ' ', 'g'
    ),
    'ee(s?)\M', 'e\1', 'g'
)
"""

# A tsvector holds at most 1 MiB: 100,000 characters always fit.
TAGGED_MESSAGES = """
CREATE TABLE tagged_messages (
    id text COLLATE "C" PRIMARY KEY,
    text text NOT NULL,
    subject text,
    channel text,
    language text,
    customer text,
    sent_at timestamptz,
    metadata jsonb,
    extra jsonb NOT NULL,
    score_label text NOT NULL,
    score double precision NOT NULL CHECK (score >= 0 AND score < 'Infinity'),
    score_probabilities jsonb NOT NULL,
    emotions text[] NOT NULL,
    emotion_probabilities double precision[] NOT NULL,
    causes text[] NOT NULL,
    cause_probabilities double precision[] NOT NULL,
    confidence double precision NOT NULL,
    needs_review boolean NOT NULL,
    model_name text NOT NULL,
    model_version text NOT NULL,
    source_topic text COLLATE "C" NOT NULL,
    source_partition integer NOT NULL,
    source_offset bigint NOT NULL,
    tagged_at timestamptz NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now(),
    occurred_at timestamptz NOT NULL GENERATED ALWAYS AS (coalesce(sent_at, tagged_at)) STORED,
    words tsvector NOT NULL GENERATED ALWAYS AS (
        to_tsvector(
            'french', searchable_text(left(coalesce(subject, '') || ' ' || text, 100000))
        )
    ) STORED
)
"""

# Statistics and paging by time are answered from this index alone, without the wide rows.
BY_TIME = """
CREATE INDEX tagged_messages_by_time ON tagged_messages (occurred_at, id)
INCLUDE (score_label, score, emotions, causes, channel)
"""

BY_WORDS = "CREATE INDEX tagged_messages_by_words ON tagged_messages USING gin (words)"

BY_LABEL = "CREATE INDEX tagged_messages_by_label ON tagged_messages USING gin (emotions, causes)"

# An index answers alone only where vacuum has been: let it follow the inserts closely.
VACUUM = """
ALTER TABLE tagged_messages SET (
    autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02
)
"""

# The record's timestamp belongs to the key: a topic that is made anew counts from 0 again.
UNREADABLE_EVENTS = """
CREATE TABLE unreadable_events (
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    record_timestamp bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    key bytea,
    value bytea,
    kept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, record_offset, record_timestamp)
)
"""


def upgrade() -> None:
    """Makes the tables and their indexes."""
    for statement in (
        SEARCHABLE_TEXT,
        TAGGED_MESSAGES,
        BY_TIME,
        BY_WORDS,
        BY_LABEL,
        VACUUM,
        UNREADABLE_EVENTS,
    ):
        op.execute(statement)
