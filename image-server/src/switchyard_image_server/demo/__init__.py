"""The demo models: tiny weights that real engines run, made on the spot, with nothing downloaded.

`make` keeps a folder of them up to date, `language` writes the two that speak, `picture` the one that
draws. None of this is imported by the server.
"""
