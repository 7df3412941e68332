"""The command `python -m harness.data`: what truth and images are on this machine, and how to get the rest.

`__main__` reads the words, `status` says what is here and whether it is whole.
"""
