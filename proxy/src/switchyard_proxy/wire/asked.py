"""A request as it was read, and its body as an engine gets it."""

from dataclasses import dataclass

from switchyard_proxy.access.callers import Caller
from switchyard_proxy.accounting.asking import Stripper, with_usage
from switchyard_proxy.accounting.captures import Capture
from switchyard_proxy.bodies.editing import renamed
from switchyard_proxy.bodies.fields import Fields
from switchyard_proxy.bodies.uploads import Upload
from switchyard_proxy.request import Request
from switchyard_proxy.routes import Route
from switchyard_proxy.routing import rewriting
from switchyard_proxy.routing.names import Choice

FORM = b"multipart/form-data"
STRIPPER = Stripper()


@dataclass(frozen=True, slots=True)
class Said:
    """What the client knows of its request, where the engine is asked something else."""

    body: bytes
    reply_id: str | None = None


@dataclass(slots=True)  # frozen, each would cost six times as much, and every request makes one
class Asked:
    """A request as it was read."""

    request: Request
    route: Route
    target: bytes
    caller: Caller
    body: bytes | Upload
    fields: Fields
    method: bytes = b"POST"
    said: Said | None = None
    verbatim: bool = False  # the path says which model: nothing in the body does, or is changed

    @property
    def may_load(self) -> bool:
        """Only what asks something loads a model: whoever looks at one must not bring it up."""
        return self.method == b"POST"

    @property
    def size(self) -> int:
        return self.body.size if isinstance(self.body, Upload) else len(self.body)

    def show_to(self, capture: Capture) -> None:
        """An upload is not shown: it is files."""
        request, body = self.request, self.body if isinstance(self.body, bytes) else b""
        capture.asked(
            request.method, with_query(request.path.encode(), request.query).decode(), request.headers, body
        )

    async def close(self) -> None:
        if isinstance(self.body, Upload):
            await self.body.close()


def for_engine(asked: Asked, choice: Choice) -> tuple[bytes | Upload, Stripper | None]:
    """The body as the engine gets it, and what must be taken out of its stream for that."""
    name, body, fields = choice.served_as, asked.body, asked.fields
    if asked.verbatim:
        return body, None
    if isinstance(body, Upload):
        return (body if fields.model == name else body.renamed(name)), None
    if choice.rewrites:
        body = rewriting.apply(body, choice.rewrites, name)
    elif fields.model != name:
        body = renamed(body, fields, name)
    if asked.route.counts and fields.stream and (counted := with_usage(body, fields)) is not None:
        return counted, STRIPPER
    return body, None


def is_form(request: Request) -> bool:
    return (request.header(b"content-type") or b"").lower().startswith(FORM)


def with_query(path: bytes, query: bytes) -> bytes:
    return b"%b?%b" % (path, query) if query else path
