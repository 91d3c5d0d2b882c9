"""Commands for the AWS CLI: run by a shell in which `aws` only writes down how it was
called, then read by the AWS CLI itself, which is stopped before it sends anything."""

import argparse
import collections
import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import time

import jmespath
from awscli.clidriver import create_clidriver

ROOT = pathlib.Path.cwd()

# What stands for the answer of a command within another one.
ANSWER = "placeholder-of-an-answer"

# The few commands that a snippet passes answers through; all others do nothing.
TOOLS = ("cat", "cut", "date", "echo", "head", "printf", "sed", "sort", "tail", "tr", "xargs")

PRELUDE = f"""
aws() {{
  local call
  printf -v call '%s\\037' "$@"
  printf '%s\\036' "$call" >>"$RECORD"
  echo {ANSWER}
}}
command_not_found_handle() {{ :; }}
"""

# Options that are read here: those of version 2 of the AWS CLI, with the values that they
# take, and the profile, of which there is none.
READ_HERE = {
    "--cli-binary-format": re.compile("base64|raw-in-base64-out"),
    "--no-cli-pager": None,
    "--profile": re.compile("[a-z][a-z-]*"),
}

# What is listed page by page: a made-up answer must not say that there is more.
MORE = re.compile(r"next_?token|next_?marker|^marker$|is_?truncated|has_?more", re.IGNORECASE)

# What makes or changes stacks of a template.
STACKS = ("CreateStack", "UpdateStack", "CreateChangeSet", "CreateStackSet", "UpdateStackSet")


def check(blocks, product, scratch):
    """What the AWS CLI says of each block."""
    cli = Cli(product)
    return collections.OrderedDict(
        (block, list(said(block, cli, scratch / f"shell-{number}")))
        for number, block in enumerate(blocks)
        if block.kind == "the AWS CLI"
    )


def said(block, cli, folder):
    folder.mkdir()
    for path in (ROOT / "template.yaml", *ROOT.glob("examples/*.yaml")):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    calls, error = calls_of(block, folder)
    if error:
        yield error
    if len(calls) < block.commands:
        yield f"{block.commands} commands stand there, and {len(calls)} are reached"
    with working_in(folder):
        for call in calls:
            for words in cli.refuses(call):
                yield f"aws {' '.join(call[:2])}: {words}"


@contextlib.contextmanager
def working_in(folder):
    """What `contextlib.chdir` is from Python 3.11 on."""
    before = os.getcwd()
    os.chdir(folder)
    yield
    os.chdir(before)


def calls_of(block, folder):
    """The arguments of each `aws` that the block comes by, and what the shell says."""
    tools = folder.parent / "tools"
    if not tools.exists():
        tools.mkdir()
        for tool in TOOLS:
            (tools / tool).symlink_to(shutil.which(tool))
    record = folder.parent / f"{folder.name}.record"
    record.touch()
    shell = [shutil.which("bash"), "--noprofile", "--norc", "-c", PRELUDE + block.text]
    environment = {"PATH": str(tools), "RECORD": str(record), "HOME": str(folder)}
    try:
        ran = subprocess.run(
            shell,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        return [], "the shell does not come to an end"
    calls = [call.split("\037")[:-1] for call in record.read_text().split("\036")[:-1]]
    syntax = re.search(r"line \d+: (syntax error.*|unexpected .*)", ran.stderr)
    return calls, syntax[1] if syntax else ""


class Cli:
    """The AWS CLI, with the models of all services and without a way to them."""

    def __init__(self, product):
        os.environ.update(
            AWS_ACCESS_KEY_ID="nobody",
            AWS_SECRET_ACCESS_KEY="nothing",
            AWS_DEFAULT_REGION="us-east-1",
            AWS_CONFIG_FILE=os.devnull,
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
            AWS_EC2_METADATA_DISABLED="true",
        )
        # Version 2 of the AWS CLI and people know options by their whole names.
        argparse.ArgumentParser._get_option_tuples = lambda parser, text: []
        # What it waits for does not come.
        time.sleep = lambda seconds: None
        self.product = product
        self.problems, self.requests, self.answered = [], [], 0
        self.driver = create_clidriver()
        self.driver.session.register("provide-client-params", self.notes)
        self.driver.session.register("before-call", self.answers)

    def refuses(self, call):
        """What is wrong with a call."""
        self.problems, self.requests, self.answered = [], [], 0
        arguments = [*self.understood(call)]
        told = io.StringIO()
        code = None
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
            try:
                code = self.driver.main(arguments)
            except SystemExit as ended:
                code = ended.code
            except Exception as error:  # noqa: BLE001, whatever it is, it is told
                told.write(f"{type(error).__name__}: {error}")
        # A made-up answer may be too strange for what comes after it.
        if code != 0 and self.answered in (0, len(self.requests) - 1):
            self.problems.append(last_words(told.getvalue()))
        if "--query" in call[:-1]:
            self.looks_for(call[call.index("--query") + 1])
        return self.problems

    def understood(self, call):
        """The arguments without those that are read here."""
        rest = iter(call)
        for argument in rest:
            if argument not in READ_HERE:
                yield argument
            elif accepted := READ_HERE[argument]:
                value = next(rest, "")
                if not accepted.fullmatch(value):
                    self.problems.append(f"{argument} is {value}")
        if call[:1] == ["s3"] and call[1:2] in (["cp"], ["mv"], ["rm"], ["sync"]):
            yield "--dryrun"

    def notes(self, params, model, **_):
        """Whatever is asked for is held against the template."""
        self.requests.append(model)
        body = params.get("TemplateBody")
        if model.name not in STACKS or body not in (None, self.product.text):
            return
        parameters = params.get("Parameters", [])
        given = {one["ParameterKey"]: one.get("ParameterValue") for one in parameters}
        refused = self.product.refuses(given, params.get("Capabilities", ()))
        self.problems.extend(refused)

    def answers(self, model, **_):
        """Nothing is sent; the answer is made up after the model."""
        self.answered += 1

        class Answer:
            status_code = 200

        answer = made_up(model.output_shape, set())
        if model.name == "GetTemplateSummary":
            # Of the stack that is there: `deploy` keeps the values of these.
            known = self.product.parameters
            answer["Parameters"] = [{"ParameterKey": name} for name in known]
        return Answer(), answer

    def looks_for(self, query):
        """The names in a query are those of the answer."""
        try:
            parsed = jmespath.compile(query).parsed
        except jmespath.exceptions.JMESPathError as error:
            self.problems.append(f"--query: {error}")
            return
        known = set().union(*(names(model.output_shape, set()) for model in self.requests))
        for name in fields(parsed):
            if known and name not in known:
                self.problems.append(f"--query: no answer has a {name}")


def last_words(told):
    """What is said, without the usage in front of it and the choices in its middle."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    for word in ("Invalid choice: ", "error: ", "Unknown options", "validation failed"):
        for number, line in enumerate(lines):
            if word in line and not line.endswith("valid choices are:"):
                return " ".join(lines[number:])[:300]
    return lines[-1] if lines else "refused without a word"


def made_up(shape, above):
    """An answer of a shape, with one of each thing."""
    if shape is None or shape.name in above:
        return {}
    above = above | {shape.name}
    if shape.type_name == "structure":
        return {
            name: made_up(member, above)
            for name, member in shape.members.items()
            if not MORE.search(name)
        }
    if shape.type_name == "list":
        return [made_up(shape.member, above)]
    if shape.type_name == "map":
        return {ANSWER: made_up(shape.value, above)}
    if shape.type_name == "blob":
        return io.BytesIO(b"{}")
    if shape.type_name in ("integer", "long", "float", "double"):
        return 1
    if shape.type_name == "boolean":
        return True
    return (getattr(shape, "enum", None) or [ANSWER])[0]


def names(shape, above):
    """The names of all that an answer of a shape may have."""
    if shape is None or shape.name in above:
        return set()
    above = above | {shape.name}
    if shape.type_name == "structure":
        inner = (names(member, above) for member in shape.members.values())
        return set(shape.members).union(*inner)
    if shape.type_name == "list":
        return names(shape.member, above)
    if shape.type_name == "map":
        return names(shape.value, above)
    return set()


def fields(node):
    """The names that a query looks for."""
    if node["type"] == "field":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from fields(child)
