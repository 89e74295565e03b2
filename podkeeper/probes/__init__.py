"""What can be sensed: one function, one value, None where it cannot be known.

A file that is missing or may not be read is a reading that could not be taken, and no error.
"""
