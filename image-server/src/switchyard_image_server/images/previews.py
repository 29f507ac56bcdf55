"""When a picture is looked at while it is being drawn. Pure."""


def preview_steps(wanted: int, total: int) -> tuple[int, ...]:
    """After which of `total` steps, evenly spread; never the last, which is the picture itself."""
    spread = {round(total * (i + 1) / (wanted + 1)) for i in range(wanted)}
    return tuple(sorted(step for step in spread if 0 < step < total))
