"""The scales of the project itself: the first is in its own folder, each other in one of its name."""

SHIPPED = ("demo", "real", "paper", "study")
