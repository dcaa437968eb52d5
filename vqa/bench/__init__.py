"""What a machine makes of a scale: whether it can run it, how fast, and whether it gives the same results again.

It may use everything below; nothing uses it but the command line.
"""
