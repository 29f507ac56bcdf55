"""Make a preview small enough to be asked for once a second. CPU work: keep it off the loop."""

import base64
import io

from switchyard_image_server.images.events import Preview
from switchyard_image_server.jobs.record import Thumbnail

SIDE = 512
QUALITY = 75


def thumbnail(preview: Preview) -> Thumbnail:
    image = preview.image.copy()  # the reply may want the whole of it
    image.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    image.convert("RGBA" if image.has_transparency_data else "RGB").save(stream, "WEBP", quality=QUALITY)
    return Thumbnail(preview.picture, preview.index, base64.b64encode(stream.getbuffer()).decode("ascii"))
