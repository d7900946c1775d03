"""The stream's floor: Kafka, PostgreSQL, HTTP and metrics."""
