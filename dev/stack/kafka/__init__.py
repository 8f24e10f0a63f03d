"""Apache Kafka for one checkout: one node, KRaft, from its jars."""
