"""Which pixels of a video or an image a network sees: frames, fragments, pyramids, masks, augmentation.

It may use settings alone; every random act takes its generator.
"""
