"""What stands in the SQL of models, macros or suites that one of the engines lacks, found without a server.

Functions are listed that DuckDB, PostgreSQL and Spark all have and that mean the same: any other belongs into
macros/engines, in the words of each. Jinja and texts are cut out first, so a name in a text is no function.
"""

import re
from collections.abc import Iterator

import sqlglot

CUT = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|'(?:[^']|'')*'|--[^\n]*", re.DOTALL)
JINJA = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
CALL = re.compile(r"(?<![\w.\"])([a-z_]\w*)\s*\(", re.IGNORECASE)
FUNCTIONS = {
    *("abs", "avg", "cast", "ceil", "char_length", "coalesce", "concat_ws", "count", "date_trunc", "dense_rank", "exp"),
    *("extract", "first_value", "floor", "greatest", "lag", "last_value", "lead", "least", "left", "length", "ln"),
    *("lower", "lpad", "max", "md5", "min", "mod", "nullif", "percentile_cont", "position", "power", "rank", "replace"),
    *("reverse", "right", "round", "row_number", "rpad", "sign", "split_part", "sqrt", "stddev_samp", "substr"),
    *("substring", "sum", "translate", "trim", "upper"),
}
# Words before a parenthesis that are no functions: clauses, types, and what an alias or a list of columns follows.
WORDS = {
    *("all", "and", "any", "as", "between", "by", "case", "decimal", "distinct", "else", "end", "except", "exists"),
    *("from", "group", "having", "in", "intersect", "into", "is", "join", "like", "not", "on", "or", "order", "over"),
    *("partition", "select", "then", "union", "using", "values", "varchar", "when", "where", "with", "within"),
}
CONSTRUCTS = {
    "a cast with ::": r"::\s*[a-z]",
    "QUALIFY": r"\bqualify\b",
    "FILTER": r"\bfilter\s*\(\s*where\b",
    "whole division with //": r"//",
    "ASOF": r"\basof\b",
    "PIVOT": r"\b(un)?pivot\b",
    "GROUP BY ALL or ORDER BY ALL": r"\b(group|order)\s+by\s+all\b",
    "ILIKE": r"\bilike\b",
    "a star with columns left out or replaced": r"\*\s*(exclude|replace)\b",
    "DISTINCT ON": r"\bdistinct\s+on\b",
    "a list or an index": r"(?<![\w\]])\[|\w\[\d",
    "an interval without quotes": r"\binterval\s+(\d|\()",
    "a query that begins with FROM": r"(^|\()\s*from\b",
    "bare VARCHAR as a type": r"\bas\s+varchar\b",
    "SEMI or ANTI JOIN": r"\b(semi|anti)\s+join\b",
    "HUGEINT": r"\bhugeint\b",
}


def in_templates(text: str) -> Iterator[str]:
    """What is not portable in a model or a macro."""
    sql = CUT.sub(lambda found: "''" if found.group().startswith("'") else " ", text)
    for name, pattern in CONSTRUCTS.items():
        if re.search(pattern, sql, re.IGNORECASE):
            yield name
    for function in sorted({name.lower() for name in CALL.findall(sql)} - FUNCTIONS - WORDS):
        yield f"function {function}"


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
