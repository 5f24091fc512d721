"""What stands in the SQL of models, macros or suites that one of the engines lacks, found without a server.

Functions, operators and types are listed that DuckDB, PostgreSQL and Spark all have and that mean the same: any other
belongs into macros/engines, in the words of each. What Jinja writes is a name here, and a text has no content.
"""

import re
from collections.abc import Iterator

import sqlglot

JINJA = re.compile(r"""\{#.*?#\}|\{%.*?%\}|(\{\{(?:'[^']*'|"[^"]*"|[^'"])*?\}\}|\{\w+\})""", re.DOTALL)
TEXT = re.compile(r"('(?:[^']|'')*')|--[^\n]*", re.DOTALL)
CALL = re.compile(r"(?<![\w.\"])(?<!\bas )([a-z_]\w*)\s*\(", re.IGNORECASE)
CAST = re.compile(r"\bcast\s*\(", re.IGNORECASE)
# A join's conditions, up to the next clause or the end of its query.
INNER_JOIN = re.compile(
    r"\binner\s+join\b.*?\bon\b(.*?)(?=\b(?:inner|left|cross|full|where|group|order|window|union|having)\b|\n\)|\Z)",
    re.IGNORECASE | re.DOTALL,
)
EQUAL = re.compile(r"(?<![<>])=")
FUNCTIONS = {
    *("abs", "avg", "cast", "ceil", "char_length", "coalesce", "concat_ws", "count", "date_trunc", "dense_rank", "exp"),
    *("extract", "first_value", "floor", "greatest", "lag", "last_value", "lead", "least", "left", "length", "ln"),
    *("lower", "lpad", "max", "md5", "min", "mod", "nullif", "percentile_cont", "position", "power", "rank", "replace"),
    *("reverse", "right", "round", "row_number", "rpad", "sign", "split_part", "sqrt", "stddev_samp", "substr"),
    *("substring", "sum", "translate", "trim", "upper"),
}
# Words before a parenthesis that are no functions.
WORDS = {
    *("all", "and", "any", "as", "between", "by", "case", "decimal", "distinct", "else", "end", "except", "exists"),
    *("from", "group", "having", "in", "intersect", "into", "is", "jinja", "join", "like", "not", "on", "or", "order"),
    *("over", "partition", "select", "then", "union", "using", "values", "when", "where", "with", "within"),
}
OPERATORS = {"=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "||", ";"}
TYPES = {"bigint", "boolean", "date", "decimal()", "int", "jinja", "timestamp"}
CONSTRUCTS = {
    "QUALIFY": r"\bqualify\b",
    "FILTER": r"\bfilter\s*\(\s*where\b",
    "ASOF": r"\basof\b",
    "POSITIONAL JOIN": r"\bpositional\s+join\b",
    "SEMI or ANTI JOIN": r"\b(semi|anti)\s+join\b",
    "PIVOT": r"\b(un)?pivot\b",
    "GROUP BY ALL or ORDER BY ALL": r"\b(group|order)\s+by\s+all\b",
    "UNION BY NAME": r"\bby\s+name\b",
    "ILIKE, GLOB or SIMILAR TO": r"\b(ilike|glob|similar\s+to)\b",
    "COLLATE": r"\bcollate\b",
    "a star with columns left out, replaced or renamed": r"\*\s*(exclude|replace|rename)\b",
    "DISTINCT ON": r"\bdistinct\s+on\b",
    "COUNT of nothing": r"\bcount\s*\(\s*\)",
    "a comma at the end of a list": r",\s*(from|where|group|order|having|\))\b",
    "an interval without quotes": r"\binterval\s+(\d|\()",
    "a part of a time that is no year, month or day": r"\bextract\s*\(\s*(?!(year|month|day)\b)",
    "a query that begins with FROM": r"(^|\()\s*from\b",
    "a file in the place of a table": r"(?<!\bdistinct )\b(from|join)\s+''",
    "a sample": r"\b(using\s+sample|tablesample)\b",
    "a limit in percent": r"\blimit\s+\S+\s*%",
    "a number with underscores": r"(?<!\w)\d+_\d",
    "a frame of groups, or without some of its rows": r"\bgroups\s+between\b|\bexclude\s+(current|group|ties|no)\b",
    "MATERIALIZED, which macro `computed_once` writes": r"\bas\s+(not\s+)?materialized\b",
    "RECURSIVE": r"\brecursive\b",
}


def in_templates(text: str) -> Iterator[str]:
    """What is not portable in a model or a macro."""
    sql = JINJA.sub(_in_place_of, text)
    sql = TEXT.sub(lambda found: "''" if found.group(1) else " ", sql)
    for name, pattern in CONSTRUCTS.items():
        if re.search(pattern, sql, re.IGNORECASE):
            yield name
    if any(_has_query_in_key(conditions) for conditions in INNER_JOIN.findall(sql)):
        yield "a threshold in the key of an inner join, which Spark may not have when it needs it"
    for function in sorted({name.lower() for name in CALL.findall(sql)} - FUNCTIONS - WORDS):
        yield f"function {function}"
    for operator in sorted(set(re.findall(r"[^\w\s().,'\"]+", sql)) - OPERATORS):
        yield f"operator {operator}"
    for kind in sorted({_type_of_cast(sql[found.end() :]) for found in CAST.finditer(sql)} - TYPES):
        yield f"type {kind}"


def _in_place_of(jinja: re.Match[str]) -> str:
    """A name for what Jinja writes; that of a threshold is a query's."""
    if not jinja.group(1):
        return " "
    return " threshold " if "threshold(" in jinja.group(1) else " jinja "


def _has_query_in_key(conditions: str) -> bool:
    """Whether a threshold stands in a condition that two columns have to be equal by."""
    each = re.split(r"\band\b", conditions, flags=re.IGNORECASE)
    return any(EQUAL.search(condition) and re.search(r"\bthreshold\b", condition) for condition in each)


def _type_of_cast(after: str) -> str:
    """The type in `x as type)`, where x may have parentheses of its own; of its digits only that there are some."""
    open_before = 1
    for place, letter in enumerate(after):
        open_before += {"(": 1, ")": -1}.get(letter, 0)
        if not open_before:
            after = after[:place]
            break
    kind = re.split(r"\bas\b", after, flags=re.IGNORECASE)[-1].strip().lower()
    return re.sub(r"\(.*\)", "()", kind)


def in_query(query: str) -> Iterator[str]:
    """What is not portable in a query or a condition of a suite."""
    yield from in_templates(query)
    plain = query.replace("{batch}", "batch")
    for place in ("{as_of}", "{first_day}", "{last_day}"):
        plain = plain.replace(place, "date '2026-01-01'")
    whole = plain if re.match(r"\s*(select|with)\b", plain, re.IGNORECASE) else f"select 1 from batch where {plain}"
    for engine in ("duckdb", "postgres", "spark"):
        try:
            sqlglot.parse_one(whole, read=engine)
        except sqlglot.errors.SqlglotError as error:
            yield f"{engine} does not parse it: {str(error).partition('.')[0]}"
