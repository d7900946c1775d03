"""The tagger's Prometheus metrics; each name, unit and label is decided here."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# 1 ms to 60 s: prometheus_client's own ladder ends at 10 s, where a backlog would hide.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
TOKENS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
AGES = (*SECONDS, 300, 900, 3600, 86400)


class TaggerMetrics:
    """Everything that the tagger counts and times, in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.records_consumed = Counter(
            "ressenti_records_consumed", "Records read.", ["topic"], registry=registry
        )
        self.records_published = Counter(
            "ressenti_records_published", "Records acknowledged.", ["topic"], registry=registry
        )
        self.dead_letters = Counter(
            "ressenti_dead_letters",
            "Messages sent to the dead-letter topic.",
            ["stage", "reason"],
            registry=registry,
        )
        self.labels = Counter(
            "ressenti_labels", "Messages that got a label.", ["group", "label"], registry=registry
        )
        self.needs_review = Counter(
            "ressenti_needs_review", "Tagged messages that a person should see.", registry=registry
        )
        self.batch_rows = Histogram(
            "ressenti_batch_rows", "Texts in a batch.", buckets=ROWS, registry=registry
        )
        self.batch_tokens = Histogram(
            "ressenti_batch_tokens",
            "Tokens in a batch, without padding.",
            buckets=TOKENS,
            registry=registry,
        )
        self.batch_padding = Counter(
            "ressenti_batch_padding_tokens", "Padding computed in vain.", registry=registry
        )
        self.stage_duration = Histogram(
            "ressenti_stage_duration_seconds",
            "Time that a stage takes for one chunk or batch.",
            ["stage"],
            buckets=SECONDS,
            registry=registry,
        )
        self.record_age = Histogram(
            "ressenti_record_age_seconds",
            "Age of a record when its tagging is acknowledged.",
            buckets=AGES,
            registry=registry,
        )
        self.lag = Gauge(
            "ressenti_consumer_lag_records",
            "Records of the input not yet committed.",
            ["topic", "partition"],
            registry=registry,
        )
        self.queue = Gauge(
            "ressenti_queue_messages", "Texts that wait for the device.", registry=registry
        )
        self.in_flight = Gauge(
            "ressenti_in_flight_messages", "Messages read, not committed.", registry=registry
        )
        self.assigned_partitions = Gauge(
            "ressenti_assigned_partitions", "Input partitions of this process.", registry=registry
        )
        self.rebalances = Counter(
            "ressenti_rebalances", "Times that partitions were assigned.", registry=registry
        )
        self.model_info = Gauge(
            "ressenti_model_info",
            "1, with the model that is served.",
            ["name", "version", "device"],
            registry=registry,
        )
