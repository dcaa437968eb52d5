"""A data set of the user's own becomes a scale of its own: labels of any kind, their files, params; rehearsals.

It may use every room but the bench; it computes nothing itself.
"""
