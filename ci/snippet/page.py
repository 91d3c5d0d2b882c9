"""The fenced blocks of a page."""

import dataclasses
import re

FENCE = re.compile(r"^( *)```(.*)$")
EXPECTED = re.compile(r"^Refused: `(.*)`$")
COMMAND = re.compile(r"^[^#]*?(?:^|[\s(|])(aws [a-z][a-z0-9-]+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Block:
    """A block, where it stands, and in ci/snippet/wrong.md what must be said of it."""

    page: str
    line: int
    language: str
    text: str
    expected: str = ""

    @property
    def kind(self):
        """Which tool it is for, or nothing."""
        if self.language in ("", "sh", "bash") and self.commands:
            return "the AWS CLI"
        return {"hcl": "Terraform", "typescript": "the CDK"}.get(self.language, "")

    @property
    def commands(self):
        """How many commands for the AWS CLI stand in it."""
        return len(COMMAND.findall(self.text))

    def __str__(self):
        return f"{self.page}, line {self.line}"


def blocks(root, page):
    """The blocks of a page that some tool is for."""
    indent, language, lines, expected, begun = None, "", [], "", 0
    for number, line in enumerate((root / page).read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if indent is None and fence:
            indent, language, lines, begun = fence[1], fence[2].strip(), [], number
        elif indent is not None and fence and not fence[2].strip():
            text = "\n".join(one.removeprefix(indent) for one in lines) + "\n"
            block = Block(page, begun, language, text, expected)
            indent, expected = None, ""
            if block.kind:
                yield block
        elif indent is not None:
            lines.append(line)
        elif said := EXPECTED.match(line):
            expected = said[1]
