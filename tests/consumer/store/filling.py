"""Fills an archive with a million messages in seconds, and looks at plans."""

import re
from dataclasses import dataclass
from typing import Any

import psycopg

ROWS = 1_000_000
_TEXTS = 20_000

# Ordered by how often they occur; what is drawn is the square of a random number.
_VOCABULARY = """
bonjour commande livraison service client retard colis réponse attente téléphone compte
facture remboursement problème erreur semaine toujours personne rapide merci agence dossier site
application connexion carte paiement conseiller accueil rendez-vous formulaire courrier numéro
contrat résiliation abonnement tarif augmentation promotion panne réseau technicien installation
guichet horaires ouverture fermée perdue cassé abîmé échange retour magasin vendeuse aimable
souriante efficace professionnelle impolie incompétente scandaleux inadmissible honteux furieuse
déçue triste inquiète contente ravie soulagée reconnaissante surprise étonnée agacée lasse
confuse méfiante adresse signature justificatif attestation virement prélèvement échéance
acompte caution garantie réparation pièce modèle couleur taille emballage notice chargeur batterie
écran clavier câble prise lampe moteur pompe filtre joint vanne compteur relevé index coupure
tension fuite chaudière radiateur isolation fenêtre volet porte serrure clé badge parking
ascenseur escalier couloir étage immeuble quartier trottoir chantier bruit odeur propreté déchets
bus tram métro train quai correspondance contrôleur amende abonné gratuité handicap accessibilité
poussette fauteuil traduction étranger visa passeport mairie préfecture tribunal avocat notaire
médecin hôpital ordonnance pharmacie mutuelle remise fidélité points cadeau anniversaire
"""
_WORDS = _VOCABULARY.split()

# Where the columns come from is plain SQL; the share of each label is like that of real messages.
_FILL = f"""
INSERT INTO tagged_messages (
    id, text, subject, channel, language, customer, sent_at, metadata, extra,
    score_label, score, score_probabilities,
    emotions, emotion_probabilities, causes, cause_probabilities,
    confidence, needs_review, model_name, model_version,
    source_topic, source_partition, source_offset, tagged_at, words
)
SELECT
    'message-' || n, texts.text, NULL,
    (ARRAY['mail', 'chat', 'form', 'phone'])[1 + (4 * a * a)::int % 4], 'fr', 'c-' || n % 50000,
    moment, NULL, '{{}}',
    'S' || 1 + (5 * b)::int % 5, 4 * b, '{{"S1": 0.1, "S2": 0.1, "S3": 0.1, "S4": 0.3, "S5": 0.4}}',
    CASE WHEN c < 0.2 THEN '{{}}' WHEN c < 0.201 THEN '{{E11}}'
         WHEN c < 0.6 THEN ARRAY['E' || 1 + (8 * a)::int % 8]
         ELSE ARRAY['E' || 1 + (8 * b)::int % 8, 'E10'] END,
    CASE WHEN c < 0.2 THEN '{{}}' WHEN c < 0.6 THEN '{{0.9}}' ELSE '{{0.9, 0.8}}' END::float8[],
    CASE WHEN d < 0.001 THEN '{{C12}}' ELSE ARRAY['C' || 1 + (11 * d * d)::int % 11] END, '{{0.7}}',
    0.8, a < 0.1, 'starter', '1',
    'support.messages', n % 6, n / 6, moment + interval '5 seconds', texts.words
FROM (
    SELECT n, random() AS a, random() AS b, random() AS c, random() AS d,
        floor(random() * {_TEXTS})::int AS text_number,
        timestamptz '2025-01-01 00:00Z' + n * interval '31.536 seconds' AS moment
    FROM generate_series(0, {ROWS - 1}) AS n
) AS drawn
JOIN texts ON texts.number = drawn.text_number
"""

_TEXTS_TABLE = f"""
CREATE TEMP TABLE texts AS
SELECT number, text, to_tsvector('french', searchable_text(text)) AS words
FROM (
    SELECT number, 'référence ' || number || 'x ' || string_agg(word, ' ') AS text
    FROM (
        SELECT number, floor(power(random(), 2) * {len(_WORDS)})::int AS place
        FROM generate_series(0, {_TEXTS - 1}) AS number, generate_series(1, 6 + number % 15)
    ) AS drawn JOIN vocabulary USING (place)
    GROUP BY number
) AS written
"""


def fill(url: str) -> None:
    """Writes `ROWS` messages, spread evenly over 2025, into the empty archive at `url`.

    The expensive columns are made once for each of 20,000 texts, and the indexes at the end.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        run = connection.execute
        run("SET jit = off")
        run("SET work_mem = '256MB'")
        run("SET maintenance_work_mem = '512MB'")
        run("SELECT setseed(0.5)")
        run("CREATE TEMP TABLE vocabulary (place int, word text)")
        with connection.cursor().copy("COPY vocabulary FROM STDIN") as copy:
            for place_and_word in enumerate(_WORDS):
                copy.write_row(place_and_word)
        run(_TEXTS_TABLE)
        run("ANALYZE texts")
        indexes = run(
            "SELECT indexname, indexdef FROM pg_indexes"
            " WHERE tablename = 'tagged_messages' AND indexname <> 'tagged_messages_pkey'"
        ).fetchall()
        for name, _ in indexes:
            run(f"DROP INDEX {name}")
        run("ALTER TABLE tagged_messages SET UNLOGGED")
        run("ALTER TABLE tagged_messages ALTER COLUMN words DROP EXPRESSION")
        run(_FILL)
        for _, definition in indexes:
            run(definition)
        run("VACUUM (ANALYZE) tagged_messages")


@dataclass(frozen=True)
class Plan:
    """What EXPLAIN (ANALYZE, BUFFERS) says of a query.

    Attributes:
        text: the whole plan.
        blocks: how many blocks of 8 KiB it touched, counted as often as it touched them.
        milliseconds: how long it took.
    """

    text: str
    blocks: int
    milliseconds: float

    @property
    def scans_the_table(self) -> bool:
        return "Seq Scan on tagged_messages" in self.text


async def plan_of(connection: Any, statement: str, parameters: dict[str, Any]) -> Plan:
    """Runs the query and says how it went."""
    cursor = await connection.execute(
        f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {statement}", parameters
    )
    text = "\n".join(row[0] for row in await cursor.fetchall())
    # The first line about buffers belongs to the root, which counts what is below it.
    buffers = re.search(r"Buffers: .*", text)
    blocks = re.findall(r"(?:hit|read)=(\d+)", buffers[0]) if buffers else []
    took = re.search(r"Execution Time: ([\d.]+) ms", text)
    return Plan(text, sum(map(int, blocks)), float(took[1]) if took else 0.0)
