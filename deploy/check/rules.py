"""What a schema does not know: each rule looks at one rendered overlay and yields what is wrong, as (object, words)."""

import re
import tomllib

import code_facts
import traffic
from model import (
    CLUSTER_WIDE, ROOT, SERVICES, containers, is_service, pod, pod_labels, quantity, selects, title,
)

# Labels that operators give to their own pods: nothing rendered here carries them.
OPERATORS_LABELS = {"cnpg.io/cluster", "app"}
# What lies behind an operator: custom resource → labels that its pods carry.
OPERATORS_PODS = {"redress-postgres": "Cluster", "redress-redis": "RedisCluster"}


def ports_are_in_range(overlay):
    def ports(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("port", "containerPort", "targetPort", "hostPort", "nodePort") and isinstance(value, int):
                    yield value
                yield from ports(value)
        elif isinstance(node, list):
            for value in node:
                yield from ports(value)

    for obj in overlay.objects:
        for port in ports(obj.get("spec", {})):
            if not 1 <= port <= 65535:
                yield obj, f"port {port} is not between 1 and 65535"


def requests_stay_below_limits(overlay):
    for workload in overlay.workloads():
        for container in containers(workload):
            resources = container.get("resources", {})
            requests, limits = resources.get("requests", {}), resources.get("limits", {})
            for name in ("cpu", "memory"):
                if name not in requests or name not in limits:
                    yield workload, f"{container['name']} has no {name} request and limit"
                elif quantity(requests[name]) > quantity(limits[name]):
                    yield workload, f"{container['name']} requests more {name} than its limit"


def selectors_find_pods(overlay):
    for workload in overlay.of("Deployment", "StatefulSet", "DaemonSet"):
        if not selects(workload["spec"]["selector"], pod_labels(workload)):
            yield workload, "its selector does not take its own pods"
        for other in overlay.of("Deployment", "StatefulSet", "DaemonSet"):
            if other is not workload and selects(workload["spec"]["selector"], pod_labels(other)):
                yield workload, f"its selector takes the pods of {title(other)}, too"
        for spread in pod(workload).get("topologySpreadConstraints", []):
            if not selects(spread["labelSelector"], pod_labels(workload)):
                yield workload, "a topology spread does not count its own pods"
    for service in overlay.of("Service"):
        found = [w for w in overlay.workloads() if selects({"matchLabels": service["spec"]["selector"]}, pod_labels(w))]
        if len(found) != 1 or found[0]["kind"] == "Job":
            yield service, f"selects {[title(w) for w in found]}; it must be one workload that serves"
            continue
        names = {p.get("name") for c in containers(found[0]) for p in c.get("ports", [])}
        numbers = {p["containerPort"] for c in containers(found[0]) for p in c.get("ports", [])}
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            if target not in names | numbers:
                yield service, f"its pods have no port {target}"
    for budget in overlay.of("PodDisruptionBudget"):
        if not any(selects(budget["spec"]["selector"], pod_labels(w)) for w in overlay.workloads()):
            yield budget, "selects no pods"
    for scaler in overlay.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if not overlay.get(target["kind"], target["name"]):
            yield scaler, f"scales {target['kind']}/{target['name']}, which does not exist"
    for policy in overlay.of("NetworkPolicy"):
        spec = policy["spec"]
        peers = [p for rule in spec.get("ingress", []) for p in rule.get("from", [])]
        peers += [p for rule in spec.get("egress", []) for p in rule.get("to", [])]
        inside = [spec["podSelector"]] + [p["podSelector"] for p in peers if "podSelector" in p and "namespaceSelector" not in p]
        for selector in inside:
            if not takes_something(overlay, selector):
                yield policy, f"selects no pods by {selector}"


def takes_something(overlay, selector):
    keys = set(selector.get("matchLabels", {})) | {t["key"] for t in selector.get("matchExpressions", [])}
    if keys & OPERATORS_LABELS:
        return True
    name = selector.get("matchLabels", {}).get("app.kubernetes.io/name")
    if name == "redress-cli":
        return True  # Jobs and shells of operators.
    if name in OPERATORS_PODS and overlay.get(OPERATORS_PODS[name], name):
        return True
    return any(selects(selector, pod_labels(w)) for w in overlay.workloads())


# Secrets' keys that an operator adds, here to rotate the issuer's key (docs/runbook.md): only an optional source may
# ask for them.
ADDED_BY_HAND = {("redress-platform", "jwks.json")}


def references_exist(overlay):
    maps = {o["metadata"]["name"]: set(o.get("data", {})) for o in overlay.of("ConfigMap")}
    secrets = dict(overlay.secrets)
    secrets.update({o["metadata"]["name"]: set(o.get("data", {})) | set(o.get("stringData", {})) for o in overlay.of("Secret")})
    for workload in overlay.workloads():
        for kind, known, name, keys, optional in named_things(workload):
            pool = maps if known == "map" else secrets
            if name not in pool:
                if not optional:
                    yield workload, f"{kind} {name} does not exist"
                continue
            for key in keys:
                if key not in pool[name] and not (optional and (name, key) in ADDED_BY_HAND):
                    yield workload, f"{kind} {name} has no key {key}"
        account = pod(workload).get("serviceAccountName", "default")
        if not overlay.get("ServiceAccount", account):
            yield workload, f"ServiceAccount {account} does not exist"
        volumes = {v["name"] for v in pod(workload).get("volumes", [])}
        volumes |= {v["metadata"]["name"] for v in workload["spec"].get("volumeClaimTemplates", [])}
        mounted = set()
        for container in containers(workload):
            for mount in container.get("volumeMounts", []):
                mounted.add(mount["name"])
                if mount["name"] not in volumes:
                    yield workload, f"{container['name']} mounts {mount['name']}, which is no volume"
            names = {p.get("name") for p in container.get("ports", [])} | {p["containerPort"] for p in container.get("ports", [])}
            for port in probe_ports(container):
                if port not in names:
                    yield workload, f"a probe of {container['name']} asks port {port}, which it does not open"
        for volume in volumes - mounted:
            yield workload, f"nobody mounts the volume {volume}"
    for route in overlay.of("GRPCRoute", "HTTPRoute"):
        for parent in route["spec"]["parentRefs"]:
            gateway = overlay.get("Gateway", parent["name"])
            if not gateway or parent.get("sectionName") not in {x["name"] for x in gateway["spec"]["listeners"]}:
                yield route, f"its gateway {parent} does not exist"
        for rule in route["spec"]["rules"]:
            for backend in rule["backendRefs"]:
                service = overlay.get("Service", backend["name"])
                if not service or backend["port"] not in {p["port"] for p in service["spec"]["ports"]}:
                    yield route, f"its backend {backend} does not exist"


def named_things(workload):
    """(kind, map or secret, name, keys, optional) of everything that the pods of a workload refer to."""
    for container in containers(workload):
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                yield "ConfigMap", "map", source["configMapRef"]["name"], [], source["configMapRef"].get("optional")
            if "secretRef" in source:
                yield "Secret", "secret", source["secretRef"]["name"], [], source["secretRef"].get("optional")
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            if "configMapKeyRef" in source:
                ref = source["configMapKeyRef"]
                yield "ConfigMap", "map", ref["name"], [ref["key"]], ref.get("optional")
            if "secretKeyRef" in source:
                ref = source["secretKeyRef"]
                yield "Secret", "secret", ref["name"], [ref["key"]], ref.get("optional")
    for volume in pod(workload).get("volumes", []):
        sources = volume.get("projected", {}).get("sources", []) + [volume]
        for source in sources:
            if "configMap" in source:
                ref = source["configMap"]
                yield "ConfigMap", "map", ref["name"], [i["key"] for i in ref.get("items", [])], ref.get("optional")
            if "secret" in source:
                ref = source["secret"]
                yield "Secret", "secret", ref.get("secretName", ref.get("name")), [i["key"] for i in ref.get("items", [])], ref.get("optional")


def probe_ports(container):
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(name, {})
        for way in ("grpc", "httpGet", "tcpSocket"):
            if way in probe:
                yield probe[way]["port"]


def each_service_is_complete(overlay):
    for name in SERVICES:
        full = f"redress-{name}"
        deployment = overlay.get("Deployment", full)
        if not deployment:
            yield {"kind": "Deployment", "metadata": {"name": full}}, "is missing"
            continue
        labels, container = pod_labels(deployment), pod(deployment)["containers"][0]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if "grpc" not in container.get(probe, {}):
                yield deployment, f"has no {probe} by gRPC health"
        if "preStop" not in container.get("lifecycle", {}):
            yield deployment, "has no preStop"
        if deployment["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield deployment, "may have less than all replicas while it is rolled out"
        if not pod(deployment).get("topologySpreadConstraints"):
            yield deployment, "is not spread over nodes"
        service = overlay.get("Service", full)
        if not service or service["spec"].get("clusterIP") != "None":
            yield deployment, "has no headless Service"
        if not any(selects(b["spec"]["selector"], labels) for b in overlay.of("PodDisruptionBudget")):
            yield deployment, "has no PodDisruptionBudget"
        if not any(h["spec"]["scaleTargetRef"]["name"] == full for h in overlay.of("HorizontalPodAutoscaler")):
            yield deployment, "has no HorizontalPodAutoscaler"
        own = [p for p in overlay.of("NetworkPolicy") if p["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name") == full]
        if not any({"Ingress", "Egress"} <= set(p["spec"]["policyTypes"]) for p in own):
            yield deployment, "has no NetworkPolicy of its own for both directions"
        if not any(pod(j)["containers"][0]["image"] == container["image"] and pod(j)["containers"][0].get("args") == ["migrate"] for j in overlay.of("Job")):
            yield deployment, "has no migration Job of the same image"
    denies = [p for p in overlay.of("NetworkPolicy") if not p["spec"]["podSelector"] and not p["spec"].get("ingress") and not p["spec"].get("egress")]
    if not any({"Ingress", "Egress"} <= set(p["spec"]["policyTypes"]) for p in denies):
        yield {"kind": "NetworkPolicy", "metadata": {"name": "default-deny"}}, "is missing"


def pods_are_restricted(overlay):
    """Pod Security `restricted`, a read-only root and no token that nobody needs."""
    for workload in overlay.workloads():
        spec, context = pod(workload), pod(workload).get("securityContext", {})
        if not context.get("runAsNonRoot"):
            yield workload, "may run as root"
        if context.get("runAsUser") == 0:
            yield workload, "runs as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield workload, "has no seccomp profile"
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(key):
                yield workload, f"shares {key} with its node"
        for volume in spec.get("volumes", []):
            if "hostPath" in volume:
                yield workload, f"mounts {volume['hostPath']['path']} of its node"
        for container in containers(workload):
            inside = container.get("securityContext", {})
            if inside.get("allowPrivilegeEscalation") is not False or inside.get("privileged"):
                yield workload, f"{container['name']} may gain privileges"
            if "ALL" not in inside.get("capabilities", {}).get("drop", []) or inside.get("capabilities", {}).get("add"):
                yield workload, f"{container['name']} keeps capabilities"
            if not inside.get("readOnlyRootFilesystem"):
                yield workload, f"{container['name']} may write to its image"
        # The one Job that makes Secrets talks to the Kubernetes API.
        needs_token = workload["metadata"]["name"] == "redress-secrets"
        if spec.get("automountServiceAccountToken") is not needs_token:
            yield workload, "has a token of the Kubernetes API" if not needs_token else "lacks its token"
    for namespace in overlay.of("Namespace"):
        if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
            yield namespace, "does not enforce Pod Security restricted"


# How old an answer of the cluster's DNS may be: the time to live that kubeadm and kind give it, and NodeLocal DNSCache keeps.
DNS_SECONDS = 30


def grace_covers_the_drain(overlay):
    for workload in filter(is_service, overlay.of("Deployment")):
        container = pod(workload)["containers"][0]
        settings = settings_of(overlay, workload)
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        known = code_facts.resolve_seconds() + DNS_SECONDS
        if pause < known:
            yield workload, f"stops after {pause} s; callers know for up to {known} s an address that is gone"
        need = (
            pause
            + int(settings["server.drain_wait_seconds"]) + int(settings["server.drain_limit_seconds"])
            + code_facts.workers_limit_seconds() + code_facts.threads_limit_seconds() + 5
        )
        grace = pod(workload).get("terminationGracePeriodSeconds", 30)
        if grace < need:
            yield workload, f"is killed after {grace} s, but may need {need} s to end in good order"


def variables_are_defined_before_use(overlay):
    for workload in overlay.workloads():
        for container in containers(workload):
            defined = set()
            for variable in container.get("env", []):
                for name in re.findall(r"\$\((\w+)\)", variable.get("value", "")):
                    if name not in defined:
                        yield workload, f"{variable['name']} uses $({name}) before it is defined"
                if variable["name"] in defined:
                    yield workload, f"{variable['name']} is defined twice"
                defined.add(variable["name"])
            for text in container.get("args", []):
                for name in re.findall(r"\$\((\w+)\)", text):
                    if name not in defined:
                        yield workload, f"an argument uses $({name}), which is not defined"


def settings_of(overlay, workload):
    """What the process of a service finds in its file and its variables, by key; defaults where nothing is said."""
    name = pod_labels(workload)["app.kubernetes.io/name"].removeprefix("redress-")
    settings = {k: v for k, v in code_facts.default_settings(name).items()}
    for key, value, _ in given_settings(overlay, workload, name):
        settings[key] = value
    return settings


def given_settings(overlay, workload, name):
    """(key, value, where) of every setting that an overlay gives to a service."""
    container = pod(workload)["containers"][0]
    for volume in pod(workload).get("volumes", []):
        data = (overlay.get("ConfigMap", volume.get("configMap", {}).get("name")) or {}).get("data", {})
        if "config.toml" in data:
            yield from ((k, v, "config.toml") for k, v in code_facts.flat(tomllib.loads(data["config.toml"])))
    variables = []
    for source in container.get("envFrom", []):
        config = overlay.get("ConfigMap", source.get("configMapRef", {}).get("name")) or {}
        variables += list(config.get("data", {}).items())
    variables += [(v["name"], v.get("value", "")) for v in container.get("env", [])]
    for prefix in ("REDRESS__", f"REDRESS_{name.upper()}__"):
        for variable, value in variables:
            if variable.startswith(prefix):
                yield variable.removeprefix(prefix).lower().replace("__", "."), value, variable


def settings_are_known(overlay):
    for workload in filter(is_service, overlay.of("Deployment")):
        name = pod_labels(workload)["app.kubernetes.io/name"].removeprefix("redress-")
        known = code_facts.known_keys(name)
        for key, _, where in given_settings(overlay, workload, name):
            if not any(re.fullmatch(pattern, key) for pattern in known):
                yield workload, f"{where}: {key} is no key of the {name} service"
        settings = settings_of(overlay, workload)
        for key in ("database.app_url", "database.worker_url", "platform.key_file", "vault.key_file"):
            if not settings.get(key):
                yield workload, f"{key} is missing"
        for key in ("platform.key_file", "vault.key_file"):
            folder = str(settings.get(key, "")).rsplit("/", 1)[0]
            if folder not in {m["mountPath"] for m in pod(workload)["containers"][0]["volumeMounts"]}:
                yield workload, f"{key} lies in no mounted folder"
        port = int(str(settings["server.listen"]).rsplit(":", 1)[1])
        if port not in {p["containerPort"] for p in pod(workload)["containers"][0]["ports"]}:
            yield workload, f"it listens on {port}, which is no port of its container"
        for peer in SERVICES:
            host, _, number = str(settings[f"peers.{peer}"]).removeprefix("http://").partition(":")
            service = overlay.get("Service", host)
            if not service or int(number or 80) not in {p["port"] for p in service["spec"]["ports"]}:
                yield workload, f"peers.{peer} is {settings[f'peers.{peer}']}, which no Service answers"


def edges_are_those_of_the_code(overlay):
    """Who may call whom is who does call whom, seen from both ends."""
    wanted = code_facts.edges()
    for direction in ("egress", "ingress"):
        found = set()
        for policy in overlay.of("NetworkPolicy"):
            name = policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name", "").removeprefix("redress-")
            if name not in SERVICES:
                continue
            for rule in policy["spec"].get(direction, []):
                for peer in rule.get("to" if direction == "egress" else "from", []):
                    other = peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name", "").removeprefix("redress-")
                    if other in SERVICES:
                        found.add((name, other) if direction == "egress" else (other, name))
        for sender, receiver in sorted(wanted - found):
            yield {"kind": "NetworkPolicy", "metadata": {"name": f"redress-{sender}"}}, f"{sender} calls {receiver}, but {direction} does not allow it"
        for sender, receiver in sorted(found - wanted):
            yield {"kind": "NetworkPolicy", "metadata": {"name": f"redress-{sender}"}}, f"{direction} allows {sender} to call {receiver}, which it never does"


def traffic_is_what_the_design_draws(overlay):
    """The policies of an overlay taken together, from every pod to every other, as a network plugin does."""
    for source, words in traffic.faults(overlay):
        yield {"kind": "NetworkPolicy", "metadata": {"name": source}}, words


def routes_are_those_of_the_contracts(overlay):
    routes = overlay.of("GRPCRoute")
    if not routes:
        return
    wanted = code_facts.public_services()
    found = set()
    for route in routes:
        for rule in route["spec"]["rules"]:
            if len(rule["matches"]) > 8:
                yield route, "a rule has more than 8 matches, which older gateways refuse"
            for match in rule["matches"]:
                service = match["method"]["service"]
                owner = service.split(".")[1]
                if any(b["name"] != f"redress-{owner}-edge" for b in rule["backendRefs"]):
                    yield route, f"{service} is sent to somebody else than {owner}"
                found.add(service)
    gateway = routes[0]
    for service in sorted(wanted - found):
        yield gateway, f"{service} has no route"
    for service in sorted(found - wanted):
        yield gateway, f"{service} is not for the outside, or not in the contracts"


def scaling_is_possible(overlay):
    adapter = (ROOT / "deploy/kustomize/components/autoscaling-by-lag/prometheus-adapter.yaml").read_text(encoding="utf-8")
    for scaler in overlay.of("HorizontalPodAutoscaler"):
        low, high = scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]
        if low > high:
            yield scaler, f"minReplicas {low} is above maxReplicas {high}"
        if low < 2:
            yield scaler, "one replica alone cannot leave without an outage"
        target = overlay.get("Deployment", scaler["spec"]["scaleTargetRef"]["name"])
        if target and "replicas" in target["spec"]:
            yield scaler, "its Deployment sets replicas, too: each apply would undo the scaling"
        for metric in (m["external"]["metric"] for m in scaler["spec"]["metrics"] if m["type"] == "External"):
            if f"as: {metric['name']}}}" not in adapter:
                yield scaler, f"no adapter serves {metric['name']}"
            whose = {v.removeprefix("redress-") for v in metric.get("selector", {}).get("matchLabels", {}).values()}
            if whose != {scaler["metadata"]["name"].removeprefix("redress-")}:
                yield scaler, f"grows with {metric['name']} of others"
    for budget in overlay.of("PodDisruptionBudget"):
        if budget["spec"].get("maxUnavailable") == 0:
            yield budget, "nothing may ever be evicted, so no node can be drained"


# What one connection of Postgres holds for itself once it has seen the whole schema: measured, docs/benchmarks.md.
CONNECTION_BYTES = 7.5 * 2**20


def postgres_has_connections_for_all(overlay):
    need = 0
    for workload in filter(is_service, overlay.of("Deployment")):
        scaler = next((h for h in overlay.of("HorizontalPodAutoscaler") if h["spec"]["scaleTargetRef"]["name"] == workload["metadata"]["name"]), None)
        replicas = (scaler["spec"]["maxReplicas"] if scaler else workload["spec"].get("replicas", 1)) + 1
        settings = settings_of(overlay, workload)
        need += replicas * (int(settings["database.max_connections"]) + int(settings["database.max_worker_connections"]))
    need += 20  # Migrations, the operator, a person with psql.
    for cluster in overlay.of("Cluster"):
        have = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
        if have < need:
            yield cluster, f"max_connections is {have}, all replicas together may open {need}"
        shared = quantity(cluster["spec"]["postgresql"]["parameters"]["shared_buffers"].replace("GB", "Gi"))
        yield from memory_faults(cluster, cluster["spec"]["resources"]["limits"]["memory"], need, shared)
    for workload in overlay.of("StatefulSet"):
        for text in containers(workload)[0].get("args", []):
            if text.startswith("max_connections=") and int(text.split("=")[1]) < need:
                yield workload, f"{text}, all replicas together may open {need}"
            if text.startswith("max_connections="):
                limit = containers(workload)[0]["resources"]["limits"]["memory"]
                volumes = [v["emptyDir"] for v in pod(workload).get("volumes", []) if v.get("emptyDir", {}).get("medium") == "Memory"]
                yield from memory_faults(workload, limit, need, 128 * 2**20 + sum(quantity(v.get("sizeLimit", limit)) for v in volumes))


def memory_faults(obj, limit, connections, shared):
    wanted = connections * CONNECTION_BYTES + shared
    if quantity(limit) < wanted:
        yield obj, f"its memory ends at {limit}; {connections} connections may take {wanted / 2**30:.1f} Gi"


def redis_knows_its_limit(overlay):
    """A node without `maxmemory` is killed at its container's limit, and RedressRedisFull stays silent before."""
    for cluster in overlay.of("RedisCluster"):
        limit = quantity(cluster["spec"]["kubernetesConfig"]["resources"]["limits"]["memory"])
        for role in ("redisLeader", "redisFollower"):
            name = cluster["spec"].get(role, {}).get("redisConfig", {}).get("additionalRedisConfig")
            text = (overlay.get("ConfigMap", name) or {}).get("data", {}).get("redis-additional.conf", "")
            found = re.search(r"^maxmemory (\d+)mb$", text, re.MULTILINE)
            if not found or not int(found[1]):
                yield cluster, f"{role} has no maxmemory"
            elif int(found[1]) * 2**20 > 0.8 * limit:
                yield cluster, f"{role} may hold {found[1]} MiB, which leaves nothing of its container's memory for the rest"
            if not re.search(r"^maxmemory-policy noeviction$", text, re.MULTILINE):
                yield cluster, f"{role} may forget what is due"


def images_are_pinned(overlay):
    tags = set()
    for workload in overlay.workloads():
        for container in containers(workload):
            image = container["image"]
            tag = image.rsplit(":", 1)[1] if ":" in image.rsplit("/", 1)[-1] else ""
            if tag in ("", "latest"):
                yield workload, f"{image} names no release"
            name = image.rsplit("/", 1)[-1].split(":")[0]
            if name.removeprefix("redress-") in SERVICES:
                tags.add(tag)
                if workload["kind"] == "Job" and f"-{tag}-" not in workload["metadata"]["name"]:
                    yield workload, f"does not carry the release {tag} in its name, so the next one cannot be applied"
    if len(tags) > 1:
        yield overlay.objects[0], f"the services are of different releases: {sorted(tags)}"


def everything_is_in_the_namespace(overlay):
    for obj in overlay.objects:
        if obj["kind"] not in CLUSTER_WIDE and obj["metadata"].get("namespace") != "redress":
            yield obj, "is not in the namespace redress"


def jobs_are_found_like_their_pods(overlay):
    """The runbook deletes and waits for Jobs by their component: a Job bears the label that its pods bear."""
    for job in overlay.of("Job"):
        want = pod_labels(job).get("app.kubernetes.io/component")
        if job["metadata"].get("labels", {}).get("app.kubernetes.io/component") != want:
            yield job, f"does not bear its pods' app.kubernetes.io/component={want}"


RULES = [
    ports_are_in_range, requests_stay_below_limits, selectors_find_pods, references_exist, each_service_is_complete,
    pods_are_restricted, grace_covers_the_drain, variables_are_defined_before_use, settings_are_known,
    edges_are_those_of_the_code, traffic_is_what_the_design_draws, routes_are_those_of_the_contracts, scaling_is_possible,
    postgres_has_connections_for_all, redis_knows_its_limit, images_are_pinned, everything_is_in_the_namespace,
    jobs_are_found_like_their_pods,
]


def broken(overlay):
    """Everything that is wrong, a sentence each."""
    return [f"{overlay.name}: {title(obj)} {words} ({rule.__name__})" for rule in RULES for obj, words in rule(overlay)]
