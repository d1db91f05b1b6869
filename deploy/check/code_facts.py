"""What the manifests must agree with, read from the code itself: settings, events, contracts, limits."""

import functools
import re
import tomllib

from model import ROOT, SERVICES

# gRPC services that only services call.
INSIDE = {"InboxService", "CaseReadService"}


def flat(table, prefix=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def texts(service):
    return [(ROOT / f).read_text(encoding="utf-8") for f in ("crates/runtime/config.toml", f"services/{service}/config.toml")]


@functools.cache
def default_settings(service):
    settings = {}
    for text in texts(service):
        settings.update(flat(tomllib.loads(text)))
    return settings


@functools.cache
def known_keys(service):
    """Patterns of every key that the service reads: those with a default, and those that are shown commented out."""
    keys = set(default_settings(service))
    for text in texts(service):
        section = ""
        for line in text.splitlines():
            if header := re.match(r"^(?:# )?\[([\w.]+)\]", line):
                section = header[1]
            elif key := re.match(r"^# (\w+) = ", line):
                keys.add(f"{section}.{key[1]}")
    # An issuer has any name; the example shows two ways to give its keys in one line.
    patterns = {re.escape(k).replace("issuers\\.company", r"issuers\.\w+") for k in keys}
    return patterns | {r"auth\.issuers\.\w+\.jwks_file", r"roles\.\w+"}


@functools.cache
def edges():
    """(caller, called): the subscribers of a service's events, and whom its background work asks."""
    found = set()
    names = "|".join(SERVICES)
    for service in SERVICES:
        for path in (ROOT / f"services/{service}/src").rglob("*.rs"):
            text = path.read_text(encoding="utf-8")
            if "Subscriptions::new" in text or "SUBSCRIPTIONS:" in text:
                for group in re.findall(rf'&\[((?:\s*"(?:{names})",?)+)\s*\]', text):
                    found |= {(service, other) for other in re.findall(r'"(\w+)"', group)}
            found |= {(service, other) for other in re.findall(rf'\.call\(\s*"({names})"', text)}
    return frozenset(found)


@functools.cache
def public_services():
    found = set()
    for service in SERVICES:
        for path in (ROOT / f"proto/redress/{service}/v1").glob("*.proto"):
            names = re.findall(r"^service (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
            found |= {f"redress.{service}.v1.{name}" for name in names if name not in INSIDE}
    return frozenset(found)


def limit_seconds(name, file="crates/runtime/src/host.rs"):
    text = (ROOT / file).read_text(encoding="utf-8")
    return int(re.search(rf"const {name}: Duration = Duration::from_secs\((\d+)\)", text)[1])


def workers_limit_seconds():
    return limit_seconds("WORKERS_LIMIT")


def threads_limit_seconds():
    return limit_seconds("THREADS_LIMIT")


def resolve_seconds():
    """How often a caller asks for the addresses behind a name."""
    return limit_seconds("RESOLVE_EVERY", "crates/rpc/src/client/address.rs")
