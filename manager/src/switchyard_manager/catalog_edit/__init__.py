"""Change one model in the text of models.json and leave every other byte alone. Pure: no file, no clock.

tree      JSON text as nodes that keep how it was written
layout    how the file is written, and new values written the same way
entries   set_model, remove_model, entry_of: the change, checked before anyone sees it
guard     which changes of an entry need the operator's permission when they come over the network
"""

from switchyard_manager.catalog_edit.entries import NotInCatalog, entry_of, remove_model, set_model
from switchyard_manager.catalog_edit.guard import guarded_fields

__all__ = ["NotInCatalog", "entry_of", "guarded_fields", "remove_model", "set_model"]
