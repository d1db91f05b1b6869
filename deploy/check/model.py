"""Rendered manifests as the rules look at them: objects by kind and name, pod templates, containers, labels."""

import dataclasses
import pathlib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = ["intake", "triage", "assignment", "notification", "crisis"]
CLUSTER_WIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}


@dataclasses.dataclass
class Overlay:
    """One rendered overlay, and the Secrets (name → keys) that exist beside it."""

    name: str
    objects: list
    secrets: dict

    @classmethod
    def read(cls, name, path, secrets):
        with open(path, encoding="utf-8") as file:
            return cls(name, [o for o in yaml.safe_load_all(file) if o], secrets)

    def of(self, *kinds):
        return [o for o in self.objects if o["kind"] in kinds]

    def get(self, kind, name):
        return next((o for o in self.of(kind) if o["metadata"]["name"] == name), None)

    def workloads(self):
        return self.of("Deployment", "StatefulSet", "DaemonSet", "Job")


def title(obj):
    return f"{obj['kind']}/{obj['metadata']['name']}"


def pod(workload):
    return workload["spec"]["template"]["spec"]


def pod_labels(workload):
    return workload["spec"]["template"]["metadata"].get("labels", {})


def containers(workload):
    return pod(workload).get("initContainers", []) + pod(workload)["containers"]


def selects(selector, labels):
    """Whether a label selector of Kubernetes takes these labels. The empty one takes everything."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for term in selector.get("matchExpressions", []):
        value, values = labels.get(term["key"]), term.get("values", [])
        fits = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": term["key"] in labels,
            "DoesNotExist": term["key"] not in labels,
        }[term["operator"]]
        if not fits:
            return False
    return True


def quantity(text):
    """A quantity of Kubernetes as a number: 250m, 2, 64Mi, 1Gi."""
    text = str(text)
    for suffix, factor in [
        ("Ki", 2**10), ("Mi", 2**20), ("Gi", 2**30), ("Ti", 2**40), ("m", 1e-3), ("k", 1e3), ("M", 1e6), ("G", 1e9),
    ]:
        if text.endswith(suffix):
            return float(text[: -len(suffix)]) * factor
    return float(text)


def is_service(workload):
    return pod_labels(workload).get("app.kubernetes.io/component") == "serve"
