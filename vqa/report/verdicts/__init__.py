"""Verdicts: the paper's claims as statements, the evidence, the rules, and their page.

It may use the report's tables and wording, settings and io; it computes no new number.
"""
