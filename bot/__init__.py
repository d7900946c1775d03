"""The Slack bot's floor: it knows Slack, and neither torch, nor Kafka, nor SQL."""
