"""The ways into the manager over HTTP. Each module is one resource; none of them decides anything.

access, errors    who may come in; what is answered to those who may not, or who ask for what is not there
desk              what the routes answer from: the world, looked at without an await between two looks
admin             all of the routes below together
status, models    what is; what the operator wants
loading           a load that somebody waits for
editing           changes of models.json: of one of its entries (entries), or of the whole (catalog)
files             what was downloaded for models
events, logs      what happens, told as it happens (sse), and what engines say (log_lines)
history           what happened
tally, metrics    the same in numbers
control           the proxies' connection
serving           the sockets it all comes by
"""
