"""The command `python -m harness.list KIND`: what is registered, plug-ins included, and the published tables.

`rows` makes the rows from the registries, `kept` keeps them until a plug-in's file changes, `__main__` prints them.
"""
