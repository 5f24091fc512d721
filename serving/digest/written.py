"""A digest as plain text and as an HTML mail, which loads nothing from anywhere."""

from serving.digest.week import Digest

TEMPLATE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ digest.subject }}</title></head>
<body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#1c2430;background:#ffffff">
<h1 style="font-size:22px;margin:0 0 16px">{{ digest.subject }}</h1>
{% for topic in digest.topics %}
<h2 style="font-size:16px;margin:20px 0 4px">{{ topic.title }}</h2>
{% for sentence in topic.sentences %}
<p style="margin:0 0 4px">{{ sentence }}</p>
{% endfor %}
{% endfor %}
</body></html>
"""


def as_lines(digest: Digest) -> list[str]:
    """One line per topic: its title and its sentences."""
    return [f"{topic.title}: {' '.join(topic.sentences)}" for topic in digest.topics]


def as_text(digest: Digest) -> str:
    """The digest for a terminal: headings, and a sentence a line."""
    topics = ["\n".join([topic.title, *(f"  {sentence}" for sentence in topic.sentences)]) for topic in digest.topics]
    return "\n\n".join([digest.subject, *topics])


def as_html(digest: Digest) -> str:
    """The digest as a page of its own; names from the data are escaped."""
    from jinja2 import Environment

    return Environment(autoescape=True, trim_blocks=True).from_string(TEMPLATE).render(digest=digest)
