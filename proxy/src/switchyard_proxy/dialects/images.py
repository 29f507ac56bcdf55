"""`images/generations` and `images/edits` as streams. Pictures are events with names; beats are comments."""

from switchyard_proxy.dialects.errors import foreign_error, openai_error
from switchyard_proxy.dialects.plain import CommentVoice
from switchyard_proxy.dialects.voice import Dialect

OPENAI_IMAGES = Dialect("openai_images", CommentVoice, openai_error, foreign_error)
