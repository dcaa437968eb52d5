"""The loss around trained weights: curves, surfaces, and their sharpness in numbers.

It may use training and all below it; nothing is trained here.
"""
