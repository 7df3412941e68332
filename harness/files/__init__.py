"""Files: written whole or not at all, fetched against a checksum, unpickled without running code.

`atomic` replaces a file in one step and takes checksums; `results` writes a command's files into its folder, which
`out_folder` finds; `downloads` fetches; `safe_pickle` reads pickles of strangers through an allow-list, whose
entries are the `pickle_stand_ins`; `limited` does so in a process of its own.
"""
