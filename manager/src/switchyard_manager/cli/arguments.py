"""Arguments that several commands take."""

from typing import Annotated

import typer

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name, or one of its aliases.")]
EveryModel = Annotated[str | None, typer.Argument(metavar="MODEL", help="Only this model.")]
Limit = Annotated[int, typer.Option("-n", "--limit", min=1, max=1000, help="At most so many.")]
