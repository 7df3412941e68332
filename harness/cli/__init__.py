"""The command line: how words and settings are read, and how a command ends.

`command` is the frame of every command: its parser, its exit codes, its one sentence after a user error. `config` turns
Hydra's configuration into the typed settings that the stages take; Hydra stops there.
"""
