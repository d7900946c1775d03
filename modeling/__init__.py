"""The model's floor: text, labels, tensors; no Kafka, no Slack, no database."""
