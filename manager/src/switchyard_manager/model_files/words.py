"""How far a download is, in words and numbers for people. Pure."""

GB = 1_000_000_000  # as the Hub shows sizes
MB = 1_000_000


def size(number: int) -> str:
    """`8.2 GB`, `310 MB`, `0.4 MB`."""
    if number >= GB:
        return f"{number / GB:.1f} GB"
    return f"{number / MB:.0f} MB" if number >= 10 * MB else f"{number / MB:.1f} MB"


def progress(done: int, total: int) -> str:
    """`downloading 3.1 of 8.2 GB, 38 %`."""
    unit, name = (GB, "GB") if total >= GB else (MB, "MB")
    share = 100 * done // total if total else 100
    return f"downloading {done / unit:.1f} of {total / unit:.1f} {name}, {share} %"
