"""What moves weights, beside the optimizer: losses, weight perturbations, schedules of rates and averages.

It may use settings alone; it works on any network.
"""
