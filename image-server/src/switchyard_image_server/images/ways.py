"""The ways in which a model can draw: from words alone, over a picture, within a mask, along a control picture.

Each is a pipeline class of Diffusers. They share the model's modules, so one loaded model serves them all.
Values only.
"""

from dataclasses import dataclass

MEGAPIXEL = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Way:
    """What one pipeline class wants, and what its call understands. `pipeline` is its name in Diffusers.

    `together` says that pictures drawn in one pass are those drawn one by one, to the bit; where it does not
    hold, each has a pass of its own. `strength` is how much a picture is changed if nothing is said.
    `reference_area` is what each picture that comes along is scaled to; `None` where it becomes as large as the
    picture that is drawn. `fixed_area` means that the size is that of the first picture, at that area, whatever
    was asked for. `alpha` keeps the transparency of the pictures that come along.
    """

    pipeline: str
    least_images: int = 0
    most_images: int = 0
    mask: bool = False
    control: bool = False
    strength: float | None = None
    least_one: bool = True  # however small the strength is, one step is drawn
    conditioned: bool = False  # how closely a control picture is followed can be said
    sigmas: bool = True
    negative: bool = True
    reference_area: int | None = None
    fixed_area: bool = False
    alpha: bool = False
    layered: bool = False
    resolutions: tuple[int, ...] | None = ()  # none is understood; `None`: any
    together: bool = True


WORDS = Way("QwenImagePipeline")
OVER = Way("QwenImageImg2ImgPipeline", 1, 1, strength=0.6)
WITHIN = Way("QwenImageInpaintPipeline", 1, 1, mask=True, strength=0.85)
# The noise of what it encodes comes from the one generator of the process, not from the picture's own.
CONTROLLED_WITHIN = Way("QwenImageControlNetInpaintPipeline", 1, 1, mask=True, conditioned=True, together=False)
CONTROLLED = Way("QwenImageControlNetPipeline", control=True, conditioned=True)
EDIT = Way("QwenImageEditPipeline", 1, 1, reference_area=MEGAPIXEL)
# It takes one noise for the pictures of a pass, and scales lists of pictures wrongly.
EDIT_WITHIN = Way(
    "QwenImageEditInpaintPipeline",
    1,
    1,
    mask=True,
    strength=1.0,
    reference_area=MEGAPIXEL,
    fixed_area=True,
    together=False,
)
EDIT_PLUS = Way("QwenImageEditPlusPipeline", 1, 3, reference_area=MEGAPIXEL)
# It sorts the layers of several pictures wrongly.
LAYERED = Way(
    "QwenImageLayeredPipeline",
    1,
    1,
    fixed_area=True,
    alpha=True,
    layered=True,
    resolutions=(640, 1024),
    together=False,
)
SECOND_GENERATION = Way("QwenImage21Pipeline", 0, 10, alpha=True, resolutions=None)
