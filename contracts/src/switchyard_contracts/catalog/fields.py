"""The kinds of value that `models.json` holds: bounds, forms, and the words in which they are asked for.

Scalars are strict: the text "8001" is not a number, and `true` is not 1. A form that a pattern describes says
in `patternErrorMessage` what it wants; editors show that sentence, and so do we.
"""

from typing import Annotated

from pydantic import ConfigDict, Field, Strict, StringConstraints

FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

YEAR_S = 365 * 24 * 3600
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}$"
NAME_WORDS = "a name of letters, digits and . _ - : / @ + not beginning with a sign"
ENV_NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
COMMENT_PATTERN = r"^(//|\$comment$)"

Flag = Annotated[bool, Strict()]
Count = Annotated[int, Strict(), Field(ge=1)]
CountOrNone = Annotated[int, Strict(), Field(ge=0)]  # "none at all" is zero, and a choice of its own
Steps = Annotated[int, Strict(), Field(ge=2)]  # one step divides by zero in the usual schedule: a black image
Frames = Annotated[int, Strict(), Field(ge=2)]  # a video of one frame is a picture
Mib = Annotated[int, Strict(), Field(ge=1)]
ReserveMib = Annotated[int, Strict(), Field(ge=0)]
Port = Annotated[int, Strict(), Field(ge=1, le=65535)]
Priority = Annotated[int, Strict(), Field(ge=-100, le=100)]
Seconds = Annotated[float, Strict(), Field(gt=0, le=YEAR_S)]
SecondsOrNone = Annotated[float, Strict(), Field(ge=0, le=YEAR_S)]
Rate = Annotated[float, Strict(), Field(gt=0, le=1000)]
Share = Annotated[float, Strict(), Field(gt=0, le=1)]
Strength = Annotated[float, Strict(), Field(ge=0, le=100)]

Argument = Annotated[str, Strict()]
Text = Annotated[str, Strict(), StringConstraints(min_length=1)]

Alias = Annotated[
    str,
    Strict(),
    StringConstraints(pattern=NAME_PATTERN),
    Field(json_schema_extra={"patternErrorMessage": NAME_WORDS}),
]
Repo = Annotated[
    str,
    Strict(),
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$"),
    Field(
        json_schema_extra={
            "patternErrorMessage": '"owner/name" as the Hugging Face Hub shows it (a folder goes under path)'
        }
    ),
]
GpuUuid = Annotated[
    str,
    Strict(),
    StringConstraints(pattern=r"^(GPU|MIG)-[A-Za-z0-9][A-Za-z0-9/_-]*$"),
    Field(
        json_schema_extra={"patternErrorMessage": 'a UUID such as "GPU-5c89…", as `nvidia-smi -L` prints it'}
    ),
]
Device = Annotated[
    str,
    Strict(),
    StringConstraints(pattern=r"^/dev/[A-Za-z0-9][A-Za-z0-9_./-]*$"),
    Field(json_schema_extra={"patternErrorMessage": 'a device file such as "/dev/dri/renderD128"'}),
]
ContainerName = Annotated[
    str,
    Strict(),
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"),
    Field(json_schema_extra={"patternErrorMessage": "a container's name as `docker ps` prints it"}),
]
