"""Synthetic data sets that behave like the real ones, with a known order of quality.

``spec`` says what a data set is made of, ``recipe`` plans its items, ``content``, ``procedural`` and ``scene`` make
pristine frames, ``degrade`` spoils them by a known strength, ``encode`` writes real files, ``fullref`` compares them
with the pristine frames, ``mos`` turns strengths and that measure into quality and opinions, ``build`` puts it all
together.
"""
