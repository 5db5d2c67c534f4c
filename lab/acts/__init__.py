"""The acts of the demonstration, in the order in which they are played.

An act has a `TITLE`, and `act(telephone, progress)`, which reports every step to the progress.
"""
