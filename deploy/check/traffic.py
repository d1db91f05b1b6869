"""Network policies as a network plugin applies them: what is deliberately open must pass, everything else must not.

Pods of operators are not rendered, so they stand here with the labels that their operators give them, and none of ours.
"""

import ipaddress

import code_facts
from model import pod_labels, selects

POSTGRES, REDIS, OTLP, LOKI, GRPC = 5432, 6379, 4317, 3100, 7400
# Where nodes, the API server or the internet answer.
DNS_CACHE, API_SERVER, INTERNET, INSIDE = "169.254.20.10", "172.18.0.2", "203.0.113.7", "10.1.2.3"


class Pod:
    def __init__(self, name, labels, namespace="redress", address=None):
        self.name, self.labels, self.namespace, self.address = name, labels, namespace, address


def place(name, address):
    """Something outside of the cluster's pods."""
    return Pod(name, {}, None, address)


def policies_for(overlay, pod, direction):
    if pod.namespace != "redress":
        return None
    return [
        p["spec"] for p in overlay.of("NetworkPolicy")
        if selects(p["spec"]["podSelector"], pod.labels) and direction.capitalize() in p["spec"].get("policyTypes", ["Ingress"])
    ]


def peer_takes(peer, pod):
    if "ipBlock" in peer:
        if pod.address is None:
            return False
        address = ipaddress.ip_address(pod.address)
        return address in ipaddress.ip_network(peer["ipBlock"]["cidr"]) and not any(
            address in ipaddress.ip_network(c) for c in peer["ipBlock"].get("except", []))
    if pod.namespace is None:
        return False
    if "namespaceSelector" in peer:
        labels = {"kubernetes.io/metadata.name": pod.namespace}
        if pod.namespace == "gateways":
            labels["redress.io/gateway"] = "true"
        if not selects(peer["namespaceSelector"], labels):
            return False
    elif pod.namespace != "redress":
        return False
    return selects(peer.get("podSelector", {}), pod.labels)


def one_way(specs, direction, other, port, protocol):
    if not specs:
        return True  # Nobody speaks of this pod: everything is open.
    for spec in specs:
        for rule in spec.get(direction, []):
            peers = rule.get("to" if direction == "egress" else "from")
            ports = rule.get("ports")
            if peers is not None and not any(peer_takes(p, other) for p in peers):
                continue
            if ports is None or any(p["port"] == port and p.get("protocol", "TCP") == protocol for p in ports):
                return True
    return False


def passes(overlay, source, target, port, protocol="TCP"):
    return (
        one_way(policies_for(overlay, source, "egress"), "egress", target, port, protocol)
        and one_way(policies_for(overlay, target, "ingress"), "ingress", source, port, protocol)
    )


def pods(overlay):
    """name → pod of every workload, of the operators' pods and of what lies outside."""
    found = {w["metadata"]["name"]: Pod(w["metadata"]["name"], pod_labels(w)) for w in overlay.workloads()}
    for cluster in overlay.of("Cluster"):
        name = cluster["metadata"]["name"]
        found[name] = Pod(name, {"cnpg.io/cluster": name, "app.kubernetes.io/name": "postgresql"})
    for cluster in overlay.of("RedisCluster"):
        for side in ("leader", "follower"):
            name = f"{cluster['metadata']['name']}-{side}"
            found[name] = Pod(name, {"app": name})
    found["cli"] = Pod("cli", {"app.kubernetes.io/name": "redress-cli"})
    found["stranger"] = Pod("stranger", {"app": "anything"})
    found["dns"] = Pod("dns", {"k8s-app": "kube-dns"}, "kube-system")
    found["elsewhere"] = Pod("elsewhere", {"app": "anything"}, "default")
    found["monitoring"] = Pod("monitoring", {"app": "prometheus"}, "monitoring")
    found["gateway"] = Pod("gateway", {"app": "envoy"}, "gateways")
    for name, address in [("dns cache", DNS_CACHE), ("api server", API_SERVER), ("internet", INTERNET), ("inside", INSIDE)]:
        found[name] = place(name, address)
    return found


def expected(overlay, found):
    """(source, target, port) of every way that must be open."""
    serving = [w["metadata"]["name"] for w in overlay.workloads() if pod_labels(w).get("app.kubernetes.io/component") == "serve"]
    migrating = [w["metadata"]["name"] for w in overlay.workloads() if pod_labels(w).get("app.kubernetes.io/component") == "migrate"]
    redis = [n for n in found if n.startswith("redress-redis")]
    ways = {(f"redress-{a}", f"redress-{b}", GRPC) for a, b in code_facts.edges()}
    for name in serving:
        ways |= {(name, "redress-postgres", POSTGRES), ("cli", name, GRPC)}
        ways |= {(name, r, REDIS) for r in redis}
        if "redress-collector" in found:
            ways.add((name, "redress-collector", OTLP))
        if overlay.of("Gateway"):
            ways.add(("gateway", name, GRPC))
    ways |= {(name, "redress-postgres", POSTGRES) for name in migrating}
    if "redress-bootstrap" in found:
        ways.add(("redress-bootstrap", "redress-postgres", POSTGRES))
    if "redress-secrets" in found:
        ways |= {("redress-secrets", "api server", port) for port in (443, 6443, 8443, 16443)}
    if overlay.of("Cluster"):
        ways |= {("redress-postgres", "redress-postgres", POSTGRES), ("redress-postgres", "api server", 443), ("redress-postgres", "api server", 6443)}
    for a in redis if overlay.of("RedisCluster") else []:
        ways |= {(a, b, port) for b in redis for port in (REDIS, 16379)}
    if "redress-collector" in found:
        ways.add(("monitoring", "redress-collector", 9464))
        ways |= {("redress-collector", "monitoring", port) for port in (OTLP, LOKI)}
    if overlay.name == "prod":
        ways |= {(name, "internet", 443) for name in serving}
        ways |= {("redress-notification", "internet", port) for port in (465, 587)}
    return ways


# Ports that are tried between all pairs, to see that nothing more is open.
TRIED = [GRPC, POSTGRES, REDIS, 16379, OTLP, LOKI, 9464, 443, 6443, 465, 587]
# Who may reach every port of the outside that the rule names without an address: the API server cannot be named.
UNNAMED = {"redress-secrets", "redress-postgres"}


def faults(overlay):
    """(source, words) of every way that is shut and must not be, and of every one that is open and must not be."""
    found = pods(overlay)
    wanted = expected(overlay, found)
    for source, target, port in sorted(wanted):
        if not passes(overlay, found[source], found[target], port):
            yield source, f"cannot reach {target} on {port}"
    inside = [p for p in found.values() if p.namespace == "redress" and p.name != "stranger"]
    for pod in inside:
        for target in ("dns", "dns cache"):
            for protocol in ("UDP", "TCP"):
                if not passes(overlay, pod, found[target], 53, protocol):
                    yield pod.name, f"cannot ask the {target} ({protocol})"
    for source in found.values():
        for target in found.values():
            if source is target or "redress" not in (source.namespace, target.namespace):
                continue
            for port in TRIED:
                way = (source.name, target.name, port)
                if source.name in UNNAMED and target.namespace != "redress":
                    continue
                if way not in wanted and passes(overlay, source, target, port):
                    yield source.name, f"may reach {target.name} on {port}, which nothing needs"
