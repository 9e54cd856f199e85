"""`aldea rules`.

examples:
  aldea rules check my-rules.yaml
  aldea rules list --file my-rules.yaml --json
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aldea.alert_rules.loading import RulesError
from aldea.alert_rules.shipped import SHIPPED_NAME, rules_of
from aldea.deploy.cli.main import FAILED, OK

if TYPE_CHECKING:
    import argparse

    from aldea.alert_rules.rule import Rule


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|list")
    check = actions.add_parser("check", help="say every mistake in a file of rules; 0: there is none")
    check.add_argument("file", type=Path, metavar="FILE", help="YAML, see docs/alerts.md")
    check.add_argument("--json", action="store_true", help="one JSON document")
    listing = actions.add_parser("list", help="the rules that are in force, with every setting")
    listing.add_argument(
        "--file",
        type=Path,
        default=os.environ.get("ALDEA_RULES") or None,
        help="rules beside the shipped ones (ALDEA_RULES)",
    )
    listing.add_argument("--json", action="store_true", help="one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    try:
        rules = rules_of(arguments.file).rules
    except RulesError as error:
        return _refused(error, as_json=arguments.json)
    if arguments.action == "check":
        if arguments.json:
            print(json.dumps({"file": str(arguments.file), "errors": []}, ensure_ascii=False))
        else:
            print(f"{arguments.file}: no mistakes; with {SHIPPED_NAME} {len(rules)} rules are in force.")
        return OK
    if arguments.json:
        print(json.dumps([_document(rule) for rule in rules], ensure_ascii=False, indent=2))
        return OK
    for rule in rules:
        settings = ", ".join(f"{key} {value}" for key, value in _settings(rule).items())
        off = "" if rule.enabled else "  (switched off)"
        print(f"{rule.name:<24} {rule.kind_name:<16} {settings}{off}")
    return OK


def _refused(error: RulesError, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"errors": list(error.errors)}, ensure_ascii=False))
        return FAILED
    for sentence in error.errors:
        print(sentence, file=sys.stderr)
    return FAILED


def _document(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "kind": rule.kind_name,
        "enabled": rule.enabled,
        "notify": rule.notify,
        "where": {fact: list(values) for fact, values in rule.where.items()},
        **_settings(rule),
    }


def _settings(rule: Rule) -> dict[str, Any]:
    # Every kind is a dataclass; the protocol can't say so.
    kind: Any = rule.kind
    return asdict(kind)
