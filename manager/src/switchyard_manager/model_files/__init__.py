"""A model's files: on this machine before its engine starts, fetched from the Hugging Face Hub if need be.

    needs      what an entry of the catalog needs            choice     which files of a repository those are
    cache      the Hub's cache on this disk, as folders      looking    whether all that a model needs is here
    fetcher    has a child process fetch, and listens        job        what the two say to each other
    child      that process                                  telling    how it says how far it is
    fetching   one job, from the list to the last byte       transfer   the bytes of a file, resumed and checked
    hub        the Hub's API: no other module knows it       words      how far it is, for people

The manager's own process never imports the Hub's library: it is slow to load, and a download must be killable.
"""
