"""The collector's configuration, as far as it can be held against something without the collector: its pipelines, its
Deployment, and what Prometheus, the alerts and the dashboards take for granted."""

import re

import yaml

from model import ROOT

HERE = ROOT / "deploy/observability"
SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
# Components of the distribution otelcol-contrib that the configuration may use, and their keys (of 0.130).
KEYS = {
    "receivers.otlp": {"protocols"},
    "processors.memory_limiter": {"check_interval", "limit_mib", "spike_limit_mib", "limit_percentage", "spike_limit_percentage"},
    "processors.batch": {"timeout", "send_batch_size", "send_batch_max_size", "metadata_keys", "metadata_cardinality_limit"},
    "processors.tail_sampling": {"decision_wait", "num_traces", "expected_new_traces_per_sec", "decision_cache", "policies"},
    "connectors.spanmetrics": {
        "namespace", "histogram", "exemplars", "dimensions", "exclude_dimensions", "aggregation_cardinality_limit",
        "metrics_flush_interval", "metrics_expiration", "resource_metrics_key_attributes", "aggregation_temporality", "events",
    },
    "exporters.prometheus": {
        "endpoint", "tls", "namespace", "const_labels", "send_timestamps", "metric_expiration", "enable_open_metrics",
        "add_metric_suffixes", "resource_to_telemetry_conversion",
    },
    "exporters.otlp": {"endpoint", "tls", "retry_on_failure", "sending_queue", "timeout", "compression", "headers", "keepalive"},
    "exporters.otlphttp": {"endpoint", "logs_endpoint", "tls", "retry_on_failure", "sending_queue", "timeout", "compression", "headers", "encoding"},
    "extensions.health_check": {"endpoint", "path", "tls", "response_body"},
}
POLICIES = {"status_code", "string_attribute", "numeric_attribute", "latency", "probabilistic", "always_sample", "and", "ottl_condition"}


def read(name):
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def number_of(endpoint):
    return int(str(endpoint).rsplit(":", 1)[1])


def faults(config=None, prometheus=None):
    config = config or read("collector/collector.yaml")
    prometheus = prometheus or read("prometheus.yaml")
    yield from pipelines(config)
    yield from components(config)
    yield from ports(config, prometheus)
    yield from promises(config, prometheus)


def pipelines(config):
    used = {section: set() for section in SECTIONS}
    used["extensions"] |= set(config["service"].get("extensions", []))
    ends, begins = {}, {}
    for name, pipe in config["service"]["pipelines"].items():
        for section in ("receivers", "processors", "exporters"):
            for part in pipe.get(section, []):
                if section != "processors" and part in config.get("connectors", {}):
                    used["connectors"].add(part)
                    (ends if section == "exporters" else begins).setdefault(part, []).append(name)
                elif part not in config.get(section, {}):
                    yield f"collector: the pipeline {name} names {part}, which is none of its {section}"
                else:
                    used[section].add(part)
            if section != "processors" and not pipe.get(section):
                yield f"collector: the pipeline {name} has no {section}"
        order = pipe.get("processors", [])
        if order[:1] != ["memory_limiter"]:
            yield f"collector: memory_limiter is not the first in {name}: what comes before it may use up the memory"
        if "batch" in order and order[-1] != "batch":
            yield f"collector: batch is not the last in {name}: what comes after it undoes the batches"
    for part in set(ends) ^ set(begins):
        yield f"collector: the connector {part} is only one end of two pipelines"
    for section in SECTIONS:
        for part in sorted(set(config.get(section, {})) - used[section]):
            yield f"collector: {section}.{part} is used by no pipeline"


def components(config):
    for section in SECTIONS:
        for part, settings in config.get(section, {}).items():
            known = KEYS.get(f"{section}.{part.split('/')[0]}")
            if known is None:
                yield f"collector: {section}.{part} is no component that this check knows"
                continue
            for key in sorted(set(settings or {}) - known):
                yield f"collector: {section}.{part} has no key {key}"
    for policy in config.get("processors", {}).get("tail_sampling", {}).get("policies", []):
        kind = policy["type"]
        if kind not in POLICIES or kind not in policy:
            yield f"collector: the policy {policy['name']} says {kind}, but not how"
    for key in sorted(set(config["service"]) - {"extensions", "pipelines", "telemetry"}):
        yield f"collector: service has no key {key}"


def ports(config, prometheus):
    """What it opens, what its Deployment and Service open, and what Prometheus asks are the same."""
    opens = {
        "otlp": number_of(config["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]),
        "metrics": number_of(config["exporters"]["prometheus"]["endpoint"]),
        "health": number_of(config["extensions"]["health_check"]["endpoint"]),
    }
    objects = list(yaml.safe_load_all((HERE / "collector/collector-deployment.yaml").read_text(encoding="utf-8")))
    container = next(o for o in objects if o["kind"] == "Deployment")["spec"]["template"]["spec"]["containers"][0]
    shown = {p["name"]: p["containerPort"] for p in container["ports"]}
    if shown != opens:
        yield f"collector: it opens {opens}, its Deployment {shown}"
    variables = {v["name"] for v in container["env"]}
    for name in sorted(set(re.findall(r"\$\{env:(\w+)\}", str(config))) - variables):
        yield f"collector: nobody sets {name}"
    service = next(o for o in objects if o["kind"] == "Service")
    host = f"{service['metadata']['name']}.redress:{opens['metrics']}"
    if not any(host in t["targets"] for s in prometheus["scrape_configs"] for t in s.get("static_configs", [])):
        yield f"prometheus: it does not ask {host}"


def promises(config, prometheus):
    """What alerts and dashboards take for granted."""
    for scrape in prometheus["scrape_configs"]:
        if scrape.get("honor_labels") is not True:
            yield "prometheus: without honor_labels the job of every series is that of the collector"
    rules = {str(p.relative_to(HERE)) for p in (HERE / "alerts").glob("*.yaml") if p.name != "tests.yaml"}
    if set(prometheus["rule_files"]) != rules:
        yield f"prometheus: it reads {prometheus['rule_files']}, the rules are {sorted(rules)}"
    pipes = config["service"]["pipelines"]
    for part in sorted(set(pipes["traces"]["exporters"]) & set(pipes["logs"]["exporters"])):
        yield f"collector: {part} takes traces and logs, but Tempo takes no logs and Loki no traces"
    exporter = config["exporters"]["prometheus"]
    if exporter.get("add_metric_suffixes") is False or exporter.get("namespace"):
        yield "collector: metrics get other names than the alerts ask for"
    if not exporter.get("enable_open_metrics") or not config["connectors"]["spanmetrics"].get("exemplars", {}).get("enabled"):
        yield "collector: no exemplar reaches Prometheus"
    kinds = {p["type"]: p for p in config["processors"]["tail_sampling"]["policies"]}
    if "ERROR" not in kinds.get("status_code", {}).get("status_code", {}).get("status_codes", []):
        yield "collector: traces of errors are not kept"
    grave = kinds.get("string_attribute", {}).get("string_attribute", {})
    if grave.get("key") != "messaging.destination.name" or "redress.callout.requested.v1" not in grave.get("values", []):
        yield "collector: traces of grade 1 are not kept"
    if config["processors"].get("tail_sampling") and "tail_sampling" not in config["service"]["pipelines"]["traces"]["processors"]:
        yield "collector: traces are not sampled"
