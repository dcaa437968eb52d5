"""Kinds of panels that figures are made of: every module here reads its own block of params and draws it."""
