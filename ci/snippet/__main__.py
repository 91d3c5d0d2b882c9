"""Checks the snippets of the pages, and first itself on those that are wrong."""

import argparse
import collections
import pathlib
import sys
import tempfile
import time

import cdk
import shell
import terraform
from page import blocks
from product import Product

ROOT = pathlib.Path.cwd()
WRONG = "ci/snippet/wrong.md"


def problems(pages, tools):
    """Every block of these pages that a tool is for, each with what the tool says."""
    found = collections.OrderedDict()
    product = Product(ROOT / "template.yaml")
    all_blocks = [block for page in pages for block in blocks(ROOT, page)]
    with tempfile.TemporaryDirectory(prefix="snippets-") as scratch:
        scratch = pathlib.Path(scratch)
        for check in (shell.check, terraform.check):
            found.update(check(all_blocks, product, scratch))
        found.update(cdk.check(all_blocks, product, scratch, tools.cdk, tools.linter))
    return found


def is_as_expected(block, said):
    """Whether a block of the wrong ones is refused, and for the reason that is meant."""
    if any(block.expected in words for words in said):
        return True
    print(f"{block}: not refused with '{block.expected}', but {said}")
    return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cdk", required=True, type=pathlib.Path)
    parser.add_argument("--linter", required=True)
    parser.add_argument("pages", nargs="+")
    tools = parser.parse_args()
    began = time.monotonic()

    found = problems([WRONG, *tools.pages], tools)
    wrong = [block for block in found if block.page == WRONG]
    held = [is_as_expected(block, found[block]) for block in wrong]
    kinds = collections.Counter()
    failed = 0
    for block, said in found.items():
        if block.page == WRONG:
            continue
        kinds[block.kind] += 1
        failed += bool(said)
        for words in said:
            print(f"{block}: {words}")
    counted = ", ".join(f"{count} of {kind}" for kind, count in sorted(kinds.items()))
    print(
        f"{failed} of {sum(kinds.values())} snippets are wrong ({counted}); "
        f"{sum(held)} of {len(wrong)} mistakes were found; {time.monotonic() - began:.0f} s"
    )
    return 0 if wrong and all(held) and kinds and not failed else 1


sys.exit(main())
