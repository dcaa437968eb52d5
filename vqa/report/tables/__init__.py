"""Tables, ours beside the paper's: read results, fill cells, compare rows, lay out, render.

It may use the report's labels and wording, training (protocol), stats, settings, io and rng.
"""
