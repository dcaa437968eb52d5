"""The networks, their layers and initial weights, and the published weights that fit them.

It may use sources, settings and io; it knows no data set, no loss and no method.
"""
