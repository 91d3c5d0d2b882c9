"""TypeScript for the CDK: each block is a whole app. All are compiled at once, and those
without an error are run where template.yaml is, and what they make is linted."""

import collections
import json
import os
import re
import shutil
import subprocess
import tempfile

COMPILER = (
    "--module", "commonjs",
    "--moduleResolution", "bundler",
    "--target", "es2022",
    "--strict",
    "--noUnusedLocals",
    "--skipLibCheck",
    "--types", "node",
)  # fmt: skip

# How the CDK, or node, says that it gives up.
PROBLEM = r"^(?:«\w+»|\w*Error(?: \[\w+\])?:) .{1,300}$"


def check(blocks, product, scratch, packages, linter):
    """What compiler, CDK and linter say of each block."""
    of_the_cdk = [block for block in blocks if block.kind == "the CDK"]
    if not of_the_cdk:
        return {}
    found = collections.OrderedDict((block, []) for block in of_the_cdk)
    # Beside the packages, for that is where the compiler and node look for them.
    with tempfile.TemporaryDirectory(prefix="apps-", dir=packages) as apps:
        names = {f"app{number}": block for number, block in enumerate(of_the_cdk)}
        for name, block in names.items():
            with open(os.path.join(apps, f"{name}.ts"), "w") as app:
                app.write(block.text)
        for name, words in compiled(packages, apps, names):
            found[names[name]].append(words)
        made = {}
        for name, block in names.items():
            if not found[block]:
                made[name] = scratch / name
                found[block].extend(synthesized(apps, name, made[name]))
        templates = {
            template: names[name]
            for name, folder in made.items()
            for template in sorted(folder.glob("**/*.template.json"))
        }
        for template, block in templates.items():
            found[block].extend(stack_sets(template, product))
        for template, words in linted(linter, templates):
            found[templates[template]].append(words)
    return found


def compiled(packages, apps, names):
    sources = [f"{name}.ts" for name in names]
    compiler = packages / "node_modules/.bin/tsc"
    ran = subprocess.run(
        [compiler, *COMPILER, *sources], cwd=apps, capture_output=True, text=True, timeout=300
    )
    errors = re.findall(r"^(app\d+)\.ts\((\d+),\d+\): error (.*)$", ran.stdout, re.MULTILINE)
    if ran.returncode and not errors:
        raise RuntimeError(ran.stdout + ran.stderr)
    for name, line, words in errors:
        yield name, f"line {line} of it: {words}"


def synthesized(apps, name, folder):
    work = folder.with_name(f"{name}-work")
    work.mkdir()
    shutil.copy("template.yaml", work)
    environment = os.environ | {"CDK_OUTDIR": str(folder)}
    ran = subprocess.run(
        ["node", os.path.join(apps, f"{name}.js")],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if ran.returncode:
        # Behind the line of the CDK that threw it, which is a whole file.
        errors = re.findall(PROBLEM, ran.stderr, re.MULTILINE)
        yield errors[0] if errors else ran.stderr[-300:]
    elif not list(folder.glob("**/*.template.json")):
        yield "it makes no stack"


def stack_sets(template, product):
    """The parameters of a StackSet are strings to the CDK: those of the template?"""
    resources = json.loads(template.read_text()).get("Resources", {})
    for resource in resources.values():
        if resource["Type"] != "AWS::CloudFormation::StackSet":
            continue
        properties = resource["Properties"]
        if properties.get("TemplateBody") not in (None, product.text):
            yield "the StackSet has another template"
        parameters = properties.get("Parameters", [])
        given = {one["ParameterKey"]: one["ParameterValue"] for one in parameters}
        yield from product.refuses(given, properties.get("Capabilities", ()))


def linted(linter, templates):
    if not templates:
        return
    ran = subprocess.run(
        [linter, "--format", "json", "--non-zero-exit-code", "none", *map(str, templates)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    by_path = {str(template): template for template in templates}
    for match in json.loads(ran.stdout or "[]"):
        if match["Level"] == "Error":
            yield by_path[match["Filename"]], f"{match['Rule']['Id']}: {match['Message']}"
