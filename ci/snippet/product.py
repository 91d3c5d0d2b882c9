"""What template.yaml accepts, so that snippets can be held against it."""

import re

import yaml

NAMED_IAM = "CAPABILITY_NAMED_IAM"

# In place of a value that only the reader knows.
PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+|placeholder-.*|\$.*")


class Loader(yaml.SafeLoader):
    """Reads a template and leaves its functions out."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


class Product:
    """The template's parameters and outputs."""

    def __init__(self, path):
        self.text = path.read_text()
        template = yaml.load(self.text, Loader)  # noqa: S506, it is a SafeLoader
        self.parameters = template["Parameters"]
        self.outputs = template["Outputs"]

    def refuses(self, given, capabilities=(NAMED_IAM,), is_new=True):
        """Why the template does not take these parameters: names, and values where they
        are known."""
        for name, value in given.items():
            if name not in self.parameters:
                yield f"the template has no parameter {name}"
            elif isinstance(value, str) and not PLACEHOLDER.fullmatch(value):
                yield from self.refuses_value(name, value)
        missing = [
            name
            for name, parameter in self.parameters.items()
            if "Default" not in parameter and name not in given
        ]
        if is_new and missing:
            yield f"the template needs {', '.join(missing)}"
        if NAMED_IAM not in capabilities:
            yield f"the template needs {NAMED_IAM}"

    def refuses_value(self, name, value):
        parameter = self.parameters[name]
        allowed = [str(one) for one in parameter.get("AllowedValues", [])]
        if allowed and value not in allowed:
            yield f"{name} is {value}, and accepted are {', '.join(allowed)}"
        pattern = parameter.get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, value):
            yield f"{name} is {value}, which the template's pattern refuses"
