"""`make manifests-check`: every rendered overlay against the schemas of three Kubernetes versions and our own rules, and
alerts, dashboards and documents against the code. Without a folder of rendered overlays: the latter alone."""

import os
import pathlib
import subprocess
import sys
import tempfile

import yaml

import collector
import rules
import telemetry
from model import ROOT, Overlay, title

# The oldest that we support (preStop sleep, gRPC probes and matchLabelKeys work without a feature gate), one in
# between, and the newest.
VERSIONS = ["1.31", "1.34", "1.37"]
# Kinds of operators and of Gateway API: their schemas are not part of Kubernetes.
CUSTOM = {"Cluster", "RedisCluster", "Gateway", "GRPCRoute"}


def secrets_beside(name):
    """Secrets that an overlay counts on: made by its script, or listed."""
    folder = ROOT / "deploy/kustomize/overlays" / name
    if (folder / "secrets.yaml").exists() and not (folder / "secrets.sh").exists():
        listed = yaml.safe_load((folder / "secrets.yaml").read_text(encoding="utf-8"))
        return {k: set(v) for k, v in listed.items()}
    made = run_secrets_script(folder / "secrets.sh")
    return {k: set(v) for k, v in made.items()}


def run_secrets_script(script, existing=None):
    """Runs the script that makes Secrets; returns name → key → value in base64."""
    with tempfile.TemporaryDirectory() as work:
        environment = {**os.environ, "WORK": work, "EXISTING": str(existing or work)}
        subprocess.run(["bash", str(script)], check=True, env=environment)
        text = pathlib.Path(work, "secrets.yaml").read_text(encoding="utf-8")
    return {o["metadata"]["name"]: o["data"] for o in yaml.safe_load_all(text) if o}


def overlays(rendered):
    return [Overlay.read(p.stem, p, secrets_beside(p.stem)) for p in sorted(pathlib.Path(rendered).glob("*.yaml"))]


def schema_faults(overlay):
    import kubernetes_validate

    for version in VERSIONS:
        for obj in overlay.objects:
            if obj["kind"] in CUSTOM:
                continue
            try:
                kubernetes_validate.validate(obj, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                path = ".".join(str(p) for p in error.path)
                yield f"{overlay.name}: {title(obj)} {path}: {error.message} (Kubernetes {version})"


def tools():
    """What operators create by hand, without an overlay."""
    overlay = Overlay.read("tools", ROOT / "deploy/kustomize/tools/cli.yaml", {})
    for obj in overlay.objects:
        obj["metadata"].setdefault("name", obj["metadata"].get("generateName"))
    return overlay


def manifests(rendered):
    """Faults of the overlays, and how many objects were looked at."""
    faults, checked = [], 0
    for overlay in overlays(rendered):
        faults += rules.broken(overlay)
        faults += schema_faults(overlay)
        checked += len(overlay.objects)
        custom = sorted({title(o) for o in overlay.objects if o["kind"] in CUSTOM})
        if custom:
            print(f"{overlay.name}: by our rules only, their schemas belong to operators: {', '.join(custom)}")
    hand = tools()
    faults += schema_faults(hand)
    for rule in (rules.pods_are_restricted, rules.requests_stay_below_limits, rules.images_are_pinned):
        faults += [f"{title(obj)} {words}" for obj, words in rule(hand)]
    return faults, checked


def watching():
    """Faults of what watches: telemetry's page, alerts, dashboards, the collector, the runbook."""
    yield from telemetry.faults()
    yield from collector.faults()
    yield from (f"{alert} is fired by no test of its rule" for alert in telemetry.untested_alerts())
    yield from (f"docs/runbook.md does not lead {alert} to its section" for alert in telemetry.unlisted_alerts())
    yield from (f"the fault of {alert} is caused by no test" for alert in telemetry.uncaused_alerts())


def main():
    faults, checked = manifests(sys.argv[1]) if len(sys.argv) > 1 else ([], 0)
    faults += watching()
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(f"{len(faults)} faults in the manifests, or in what watches")
    if checked:
        print(f"{checked} objects are right for Kubernetes {', '.join(VERSIONS)} and for {len(rules.RULES)} rules")
    alerts = sum("alert" in rule for _, rule in telemetry.all_rules())
    boards = sum(1 for _ in telemetry.dashboards())
    print(f"{alerts} alerts and {boards} dashboards ask for what the code emits, and the runbook knows every alert")


if __name__ == "__main__":
    main()
