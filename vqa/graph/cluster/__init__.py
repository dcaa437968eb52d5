"""Stages on other machines: docs/cluster.md says how it is used, docs/architecture.md how it works."""
