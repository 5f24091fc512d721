"""Colours by meaning, light and dark, and the page's font.

The hues are those of Okabe and Ito, distinct under common colour blindness: blues for growth, orange and vermilion for
loss. No meaning depends on colour alone.
"""

FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# name: (light, dark)
COLOURS = {
    "paper": ("#f5f6f8", "#0e1218"),
    "card": ("#ffffff", "#171c24"),
    "ink": ("#18202c", "#e9ecf1"),
    "muted": ("#596272", "#a3abb8"),
    "rule": ("#dde1e7", "#2c3440"),
    "accent": ("#0072b2", "#62b5e8"),
    "new": ("#0072b2", "#8fcdf2"),
    "expansion": ("#56b4e9", "#3c93cf"),
    "reactivation": ("#009e73", "#2bbf93"),
    "contraction": ("#e69f00", "#efbe5c"),
    "churn": ("#d55e00", "#ef7d3c"),
    "band-below": ("#c5ccd6", "#47515f"),
    "band-25k": ("#8cc5e8", "#2f73a5"),
    "band-50k": ("#2f8bc4", "#5fb0e2"),
    "band-1m": ("#0a4a7d", "#c4e6fa"),
    "neutral": ("#8a93a1", "#7f8998"),
    "good": ("#00704f", "#3fcba0"),
    "warning": ("#8f5a00", "#f0bf5a"),
    "bad": ("#b04400", "#ff9560"),
}
LIGHT, DARK = 0, 1


def variable(name: str) -> str:
    """The colour as a CSS variable, which follows the reader's light or dark preference."""
    assert name in COLOURS
    return f"var(--{name})"


def style_sheet() -> str:
    """CSS variables: light, dark if the reader prefers it, and always light in print."""
    light, dark = (
        "".join(f"--{name}:{pair[which]};" for name, pair in COLOURS.items()) + f"color-scheme:{scheme};"
        for which, scheme in ((LIGHT, "light"), (DARK, "dark"))
    )
    return f":root{{--font:{FONT};{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def in_light(text: str) -> str:
    """Replace each variable with its light colour: images have no style sheet."""
    for name, pair in COLOURS.items():
        text = text.replace(variable(name), pair[LIGHT])
    return text
