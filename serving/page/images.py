"""PNG images of the main charts, for the README."""

import json
from pathlib import Path

from serving.page.build import charts_of
from serving.page.palette import in_light
from settings import Settings

# The charts a newcomer sees first.
SHOWN = ("arr-by-band", "movements", "mix-50k", "retention-chart", "accuracy-by-day")
WIDTH = 640


def write_images(settings: Settings, folder: Path) -> list[Path]:
    """Write a PNG of each main chart that the published file fills, in light colours on white."""
    import vl_convert

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for key, specification in charts_of(settings).items():
        if key not in SHOWN:
            continue
        drawn = json.loads(in_light(json.dumps(specification)))
        drawn["width"] = WIDTH
        drawn["padding"] = 12
        drawn["config"] |= {"background": "white", "font": "Liberation Sans"}
        path = folder / f"page_{key.replace('-', '_')}.png"
        path.write_bytes(vl_convert.vegalite_to_png(drawn, scale=1.25))
        written.append(path)
    return written
