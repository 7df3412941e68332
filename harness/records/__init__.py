"""Records: rows of the public leaderboard as small files, made of runs and verified by computing them again.

`record` says what a record holds, `measured` its numbers, and `files` how it lies in a folder; `statistics` computes
all numbers from scores and ground truth, `making` makes records of a run, `needs` observes what a proxy asks for,
`recompute` scores a few networks again and `verifying` says what was confirmed. `schema` is the JSON Schema.
"""
