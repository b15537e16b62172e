"""Holds a manifest of Kubernetes, as JSON on standard input, against the models of the API that its own
Python client has."""

import json
import sys

from kubernetes import client

PLAIN = {"str": str, "int": int, "bool": bool, "object": object}


def check(value, kind, path):
    if kind.startswith("list["):
        _expect(isinstance(value, list), path, kind)
        for number, item in enumerate(value):
            check(item, kind[len("list["):-1], f"{path}[{number}]")
    elif kind.startswith("dict("):
        _expect(isinstance(value, dict), path, kind)
        for name, item in value.items():
            check(item, kind[:-1].split(", ", 1)[1], f"{path}.{name}")
    elif kind in PLAIN:
        _expect(isinstance(value, PLAIN[kind]), path, kind)
    else:
        _expect(isinstance(value, dict), path, kind)
        model = getattr(client, kind)
        members = {member: name for name, member in model.attribute_map.items()}
        for name, item in value.items():
            _expect(name in members, path, f"{kind}, which has no {name}")
            check(item, model.openapi_types[members[name]], f"{path}.{name}")
        # It raises where one that must be there is not.
        model(**{members[name]: item for name, item in value.items()})


def _expect(is_right, path, kind):
    if not is_right:
        sys.exit(f"{path} is not of {kind}")


given = json.load(sys.stdin)
check(given, f"V1{given['kind']}", given["kind"])
