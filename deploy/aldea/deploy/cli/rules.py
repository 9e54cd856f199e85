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
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aldea.alert_rules.loading import RulesError
from aldea.alert_rules.shipped import SHIPPED_NAME, rules_of
from aldea.deploy.cli.main import FAILED, OK
from aldea.deploy.words import in_language, said, tell

if TYPE_CHECKING:
    import argparse

    from aldea.alert_rules.rule import Rule


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|list")
    check = actions.add_parser("check", help=_("say every mistake in a file of rules; 0: there is none"))
    check.add_argument("file", type=Path, metavar="FILE", help=_("YAML, see docs/alerts.md"))
    check.add_argument("--json", action="store_true", help=_("one JSON document"))
    listing = actions.add_parser("list", help=_("the rules that are in force, with every setting"))
    listing.add_argument(
        "--file",
        type=Path,
        default=os.environ.get("ALDEA_RULES") or None,
        help=_("rules beside the shipped ones (ALDEA_RULES)"),
    )
    listing.add_argument("--json", action="store_true", help=_("one JSON document"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    try:
        rules = rules_of(arguments.file).rules
    except RulesError as error:
        return _refused(error, arguments)
    if arguments.action == "check":
        if arguments.json:
            print(json.dumps({"file": str(arguments.file), "errors": []}, ensure_ascii=False))
        else:
            tell(
                said(
                    "%(file)s: no mistakes; with %(shipped)s %(count)s rules are in force.",
                    file=arguments.file,
                    shipped=SHIPPED_NAME,
                    count=len(rules),
                ),
                arguments,
            )
        return OK
    if arguments.json:
        print(json.dumps([_document(rule) for rule in rules], ensure_ascii=False, indent=2))
        return OK
    for rule in rules:
        settings = ", ".join(f"{key} {value}" for key, value in _settings(rule).items())
        off = "" if rule.enabled else said("(switched off)")
        print(f"{rule.name:<24} {rule.kind_name:<16} {settings}  {in_language(off, arguments.lang)}".rstrip())
    return OK


def _refused(error: RulesError, arguments: argparse.Namespace) -> int:
    if arguments.json:
        print(json.dumps({"errors": list(error.errors)}, ensure_ascii=False))
        return FAILED
    for sentence in error.errors:
        tell(sentence, arguments, file=sys.stderr)
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
