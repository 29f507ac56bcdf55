"""Change one model in the text of models.json and leave every other byte alone. Pure: no file, no clock.

tree      JSON text as nodes that keep how it was written
layout    how the file is written, and new values written the same way
entries   set_model, remove_model, entry_of: the change, checked before anyone sees it
guard     which changes need the operator's permission when they come over the network
positions line and column of each place
"""

from switchyard_manager.catalog_edit.entries import NotInCatalog, entry_of, remove_model, set_model
from switchyard_manager.catalog_edit.guard import guarded_fields, guarded_places
from switchyard_manager.catalog_edit.positions import Positions

__all__ = [
    "NotInCatalog",
    "Positions",
    "entry_of",
    "guarded_fields",
    "guarded_places",
    "remove_model",
    "set_model",
]
