"""All choices as dataclasses, read from params.yaml: unknown keys, wrong types and wrong values are refused.

It may use nothing of the suite.
"""
