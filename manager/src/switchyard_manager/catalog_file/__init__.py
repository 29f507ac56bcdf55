"""models.json as a file: read it, notice that it changed, change it. Decides nothing about models.

reading     bytes to a catalog, or why not
following   what the operator changes, as it happens
writing     a change of ours: whole or not at all
"""

from switchyard_manager.catalog_file.following import follow
from switchyard_manager.catalog_file.reading import content_of, load, text_of
from switchyard_manager.catalog_file.writing import EditedMeanwhile, edit

__all__ = ["EditedMeanwhile", "content_of", "edit", "follow", "load", "text_of"]
