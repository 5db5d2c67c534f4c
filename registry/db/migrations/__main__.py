"""`python -m registry.db.migrations`: generate the first revision again from the declared tables.

Only until the first release: from then on databases in use have that revision, and a change is a revision of its own.
`tests/registry/db/test_migrations.py` fails when the two differ.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import Table, create_engine

from common.places import ROOT
from common.safe_files import write_file
from registry.db.migrations import FOLDER, all_tables
from registry.db.schema import APPEND_ONLY, NEVER_CHANGED

FIRST = os.path.join(FOLDER, "versions", "0001_first.py")
LONGEST = 120  # characters in a line
HEAD = '''"""The first tables. Generated from their declarations by `python -m registry.db.migrations`: do not edit
by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.db.migrations.triggers import statements

revision = "0001"
down_revision = None
APPEND_ONLY = {append_only}
NEVER_CHANGED = {never_changed}


def upgrade() -> None:
{body}
    for statement in statements(op.get_bind().dialect.name, APPEND_ONLY, NEVER_CHANGED):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is no downgrade, which would lose data; restore a backup instead")
'''


def generate() -> str:
    """Return the code of the first revision."""
    metadata = all_tables()
    with create_engine("sqlite://").connect() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": metadata})
        upgrade = produce_migrations(context, metadata).upgrade_ops
    assert upgrade is not None
    body = render_python_code(upgrade)
    kept = [line for line in body.splitlines() if not line.lstrip().startswith("#")]
    tables = {"append_only": _names(APPEND_ONLY), "never_changed": _names(NEVER_CHANGED)}
    return _formatted(HEAD.format(**tables, body="\n".join(f"    {line.strip()}" for line in kept)))


def _names(tables: Iterable[Table]) -> str:
    return "(" + ", ".join(f'"{table.name}"' for table in tables) + ",)"


def _formatted(code: str) -> str:
    """Format the code with ruff; long conditions stay on their lines."""
    line = [sys.executable, "-m", "ruff", "format", "--stdin-filename", FIRST, "-"]
    done = subprocess.run(line, input=code, capture_output=True, text=True, check=True, cwd=ROOT)
    return "".join(
        f"{each}  # noqa: E501\n" if len(each) > LONGEST else f"{each}\n" for each in done.stdout.splitlines()
    )


def main() -> int:
    code = generate()
    write_file(FIRST, code)  # atomic: a test may be reading it
    print(f"written: {os.path.relpath(FIRST)}; check it with `git diff`, then run tests/registry/db/test_migrations.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
