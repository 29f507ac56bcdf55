"""From the name a client says to a model, and to the request that its engine gets. Pure: no I/O, no clock.

names       a name → a model, or why not
needs       what a model must be able to do for each kind of request
rewriting   the catalog's changes to a request's body
"""
