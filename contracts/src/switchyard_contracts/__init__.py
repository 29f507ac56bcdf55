"""What crosses a Switchyard process boundary, typed. Values only: nothing here does I/O.

`catalog` is what the operator writes, `status` what the manager reports, `grants` what manager and
proxy say to each other, `errors` what every client may read back.
"""

__version__ = "0.1.0"
