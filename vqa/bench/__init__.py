"""Speed of the parts that decide how long a study takes.

It may use everything below; nothing uses it but the command line.
"""
