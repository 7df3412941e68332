"""Site: the records as a leaderboard of static HTML, opened from the disk or put on any server.

`rows` corrects the verdicts over all records of one place, `markup` writes safe HTML, `pages` the pages of proxies and
benchmarks, and `__main__` the folder. The leaderboard itself is sorted and filtered in the browser (`static`).
"""
