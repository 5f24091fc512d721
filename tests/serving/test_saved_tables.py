"""A table that is saved from the page gives a spreadsheet no formula."""

import json
import shutil
import subprocess

import pytest

from serving.exports.csv_files import without_formulas
from settings import PROJECT_DIR

SCRIPT = PROJECT_DIR / "serving" / "page" / "static" / "scripts" / "tables.js"
# A page without tables.
PAGE = "const document = { querySelectorAll: () => [] }; const addEventListener = () => {};"
TEXTS = [
    "Acme;=HYPERLINK(A1)", "Acme; @SUM(1)", 'Acme;"=1+1"', "Acme\t-1+1", "Acme\r\n+1+1", "Acme;\n=1+1", "=1+1", "\t1",
    "\n=1", " '=1+1", "\xa0-1+1", "+1", "-", "-12.50", "12", "", "Acme; Beta - Gamma + 1", "＝1+1", "Acme;＠SUM(1)",  # noqa: RUF001
]  # fmt: skip


def escaped(texts: list[str]) -> list[str]:
    """The texts as the page saves them."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("the script of tables is tested in Node, which is not on this machine: apt-get install nodejs")
    print_them = f"console.log(JSON.stringify({json.dumps(texts)}.map(safe)))"
    program = "\n".join([PAGE, SCRIPT.read_text(encoding="utf-8"), print_them])
    done = subprocess.run([node, "-"], input=program, capture_output=True, encoding="utf-8", check=True)
    return list(json.loads(done.stdout))


def test_saved_table_hides_no_formula_and_is_escaped_like_an_export() -> None:
    assert escaped(TEXTS) == [without_formulas(text) for text in TEXTS]


def test_a_small_negative_figure_stays_a_number() -> None:
    assert escaped(["-1.5e-7"]) == ["-1.5e-7"]
