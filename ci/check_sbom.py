"""Checks a software bill of materials against the schema of CycloneDX 1.5.

usage: check_sbom.py BILL.json

Strictly: a member that the schema does not name is a problem, too. The library has
the schema with it, so nothing is fetched.
"""

import pathlib
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def main(bill):
    text = pathlib.Path(bill).read_text()
    problem = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    if problem is None:
        return 0
    print(f"{bill}: {problem.data.message}, at {problem.data.json_path}")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
