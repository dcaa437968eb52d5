"""What others published about the real data sets: labels, features, predictions, logs, clips; and how to read it."""
