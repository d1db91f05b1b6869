"""Alerts, dashboards and autoscaling against the code: whatever metric or label they name must be emitted, and
whatever section of the runbook an alert names must exist."""

import functools
import json
import re

import yaml

from model import ROOT, SERVICES

CONVENTIONS = {  # Constants of opentelemetry-semantic-conventions that stand where a name would.
    "RPC_SERVER_CALL_DURATION": "rpc.server.call.duration",
    "RPC_CLIENT_CALL_DURATION": "rpc.client.call.duration",
    "RPC_METHOD": "rpc.method",
    "RPC_SYSTEM_NAME": "rpc.system.name",
    "RPC_RESPONSE_STATUS_CODE": "rpc.response.status_code",
}
UNITS = {"s": "_seconds", "By": "_bytes", "1": "_ratio"}
# Durations of spans, by the collector: the only series with exemplars, since the SDK takes none.
EXEMPLARS = "redress_spans_duration_seconds_bucket"
# What Prometheus and the collector add by themselves.
ALWAYS = {"target_info", "ALERTS", "up", EXEMPLARS}
ALWAYS_LABELS = {"service_name", "span_name", "job", "instance", "le", "alertname", "alertstate", "severity", "slo"}
# Labels whose values docs/telemetry.md lists → where they stand in the code: a file, the text behind which they begin,
# and the one before which they end.
VALUES = {
    ("redress.outcome", "redress.events.deliveries"): ("crates/events/src/courier.rs", "fn judge(", "fn count_delivery("),
    ("redress.outcome", "redress.events.received"): ("crates/events/src/inbox.rs", "fn count(", "};"),
    ("redress.timers.outcome", ""): ("crates/timers/src/fire.rs", "impl Outcome {", "\n    }"),
    ("redress.timers.cause", ""): ("crates/timers/src/receipt.rs", '    Cause, "', "\n    }"),
    ("redress.site.kind", ""): ("crates/model/src/words.rs", '    SiteKind, "', "\n    }"),
    ("redress.case.status", ""): ("crates/model/src/words.rs", '    CaseStatus, "', "\n    }"),
    ("redress.clock.kind", ""): ("crates/model/src/words.rs", '    ClockKind, "', "\n    }"),
    ("redress.incident.mode", ""): ("services/crisis/src/domain/words.rs", '    Mode, "', "\n    }"),
    ("redress.incident.stage", ""): ("services/crisis/src/domain/words.rs", '    Stage, "', "\n    }"),
    ("redress.message.channel", ""): ("services/notification/src/domain/words.rs", '    MessageChannel, "', "\n    }"),
    ("redress.message.provider", ""): ("services/notification/src/domain/words.rs", '    Provider, "', "\n    }"),
    ("redress.message.outcome", ""): ("services/notification/src/domain/words.rs", '    AttemptOutcome, "', "\n    }"),
    ("redress.message.state", ""): ("services/notification/src/domain/words.rs", '    MessageState, "', "\n    }"),
    ("redress.message.report", ""): ("services/notification/src/domain/words.rs", '    DeliveryReport, "', "\n    }"),
    ("redress.message.decision", ""): ("services/notification/src/domain/words.rs", '    HoldDecision, "', "\n    }"),
    ("redress.message.template", ""): ("services/notification/src/domain/words.rs", "pub fn key(self)", "\n    }"),
    ("redress.task.kind", ""): ("services/notification/src/domain/task.rs", '    TaskKind, "', "\n    }"),
    ("redress.task.outcome", ""): ("services/notification/src/domain/task.rs", '    TaskOutcome, "', "\n    }"),
}
WORDS = {
    "sum", "min", "max", "avg", "count", "by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless",
    "rate", "increase", "irate", "histogram_quantile", "absent_over_time", "absent", "vector", "max_over_time", "min_over_time",
    "avg_over_time", "topk", "clamp_min", "time", "bool", "offset", "label_replace", "changes", "resets", "sum_over_time", "last_over_time",
}


@functools.cache
def rust_files():
    paths = [path for folder in ("crates", "services") for path in sorted((ROOT / folder).glob("*/src/**/*.rs"))]
    return tuple(path.read_text(encoding="utf-8") for path in paths)


def made():
    """(kind, name, unit, how it goes on) of every instrument that the code makes: by a meter, or as a Counted."""
    name = r'\(\s*("[^"]+"|[A-Z_]+)\s*\)'
    built = re.compile(r"\.[iuf]64_(?:observable_)?(counter|up_down_counter|histogram|gauge)" + name + r"(.*?)\.build\(\)", re.DOTALL)
    counted = re.compile(r'\bCounted::gauge\(\s*[^,"]+,\s*"([^"]+)",\s*"([^"]*)",')
    for text in rust_files():
        for kind, name, rest in built.findall(text):
            unit = re.search(r'\.with_unit\("([^"]+)"\)', rest)
            yield kind, CONVENTIONS.get(name) or name.strip('"'), unit[1] if unit else "", rest
        for name, unit in counted.findall(text):
            yield "gauge", name, unit, ""


@functools.cache
def emitted():
    """Names that Prometheus knows → kind, and the labels that the code gives to anything."""
    names, labels = {}, set()
    for kind, name, unit, _ in made():
        for end in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
            names[prometheus(name) + suffix(kind, unit) + end] = kind
    for text in rust_files():
        labels |= {prometheus(CONVENTIONS.get(n) or n.strip('"')) for n in re.findall(r'KeyValue::new\(\s*("[^"]+"|[A-Z_]+)', text)}
    return names, labels


def instruments():
    """name → (kind, unit) of every instrument of the code, as OpenTelemetry names it."""
    return {name: (kind, unit) for kind, name, unit, _ in made()}


@functools.cache
def bounds():
    """histogram → the bounds of its buckets; None where it has those of the SDK, which are made for milliseconds."""
    found = {}
    constants = {}
    for text in rust_files():
        for name, numbers in re.findall(r"const (\w+BOUNDS): \[f64; \d+\] = \[(.*?)\]", text, re.DOTALL):
            constants[name] = [float(n) for n in re.findall(r"[\d.]+", numbers)]
    for kind, name, unit, rest in made():
        if kind != "histogram":
            continue
        numbers = re.search(r"\.with_boundaries\(\s*vec!\[(.*?)\]", rest, re.DOTALL)
        constant = re.search(r"\.with_boundaries\(\s*(?:\w+::)*(\w+BOUNDS)", rest)
        full = prometheus(name) + suffix(kind, unit)
        if numbers:
            found[full] = [float(n) for n in re.findall(r"[\d.]+", numbers[1])]
        else:
            found[full] = constants.get(constant[1]) if constant else None
    return found


def bucket_faults(where, expression):
    """A bucket that a rule asks for exists, under both names that Prometheus may store it by (5 and 5.0)."""
    for name, matchers in re.findall(r"(\w+)_bucket\{([^}]*)\}", expression):
        for sign, text in re.findall(r'\ble(=~|=)"([^"]*)"', matchers):
            number = re.fullmatch(r"(\d+)\(\[\.\]0\)\?", text)
            if sign != "=~" or not number:
                yield f'{where} asks for le{sign}"{text}"; Prometheus stores 5 or 5.0: ask for le=~"5([.]0)?"'
            elif name in bounds() and float(number[1]) not in (bounds()[name] or []):
                yield f"{where} asks for the bucket {number[1]} of {name}, which has {bounds()[name]}"


def birth_faults(where, rule):
    """An alert that does not wait, and what it is computed from, counts what a series began with: no rate shows it."""
    if rule.get("for", "0m") != "0m":
        return
    for series, window in re.findall(r"\b(?:rate|increase)\((\w+(?:\{.*?\})?)\[(\w+)\]\)", rule["expr"]):
        before = f"last_over_time({series}[1h] offset {window})"
        whole = f"(last_over_time({series}[{window}]) unless {before}) or increase({series}[{window}])"
        if whole not in rule["expr"]:
            yield f"{where} does not see with what {series} begins: ask for {whole}"


def log_fields():
    """Fields of every log record of the code."""
    found = set()
    for text in rust_files():
        for arguments in re.findall(r'tracing::(?:error|warn|info|debug)!\(((?:[^"()]|\([^()]*\))*)"', text):
            for field in re.findall(r"(?:^|,)\s*[%?]?([a-z_][\w.]*)\s*(?==|,|$)", arguments.strip() + ","):
                found.add(field)
    return found - {"parent", "target"}


def documented():
    """What docs/telemetry.md lists: metrics → (kind, unit, labels), and every name that stands in backticks."""
    text = (ROOT / "docs/telemetry.md").read_text(encoding="utf-8")
    metrics = {}
    for name, kind, unit, labels in re.findall(r"^\| `([\w.]+)` \| (counter|up_down_counter|histogram|gauge) \|([^|]*)\|([^|]*)\|", text, re.MULTILINE):
        metrics[name] = (kind, unit.strip(), set(re.findall(r"`([\w.]+)`", labels)) - {"telemetry.top_sites", "redis.url"})
    return metrics, set(re.findall(r"`([\w.]+)`", text))


def values_of_code(file, begin, end):
    """What a match or a set of words gives: behind `=>`, or the first of a pair."""
    text = (ROOT / file).read_text(encoding="utf-8").split(begin)[1].split(end)[0]
    return set(re.findall(r'(?:=> |\(\s*)"([\w.]+)"', text))


def documented_values():
    """(label, metric) → values, as the table of docs/telemetry.md says; without a metric where all are meant."""
    text = (ROOT / "docs/telemetry.md").read_text(encoding="utf-8")
    section = text.split("### Values of labels\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)`(?: of `([\w.]+)`)? \| ([^|`]+?) \|", section, re.MULTILINE)
    return {(label, metric): set(values.split(", ")) for label, metric, values in rows}


def value_faults():
    """Where docs/telemetry.md gives a label other values than the code."""
    listed = documented_values()
    for (label, metric), source in VALUES.items():
        found, code = listed.get((label, metric), set()), values_of_code(*source)
        for value in sorted(found ^ code):
            yield f"docs/telemetry.md: {label} {metric}: {value} is {'in the code only' if value in code else 'nowhere in the code'}"
    text = (ROOT / "docs/telemetry.md").read_text(encoding="utf-8")
    known = {label for label, _ in listed}
    for label in sorted(set().union(*(labels for _, _, labels in documented()[0].values())) - known):
        if f"`{label}` (" not in text:
            yield f"docs/telemetry.md does not say which values {label} has"


def undocumented():
    """Where docs/telemetry.md and the code say different things."""
    metrics, words = documented()
    code = instruments()
    for name in sorted(set(code) - set(metrics)):
        yield f"docs/telemetry.md does not list {name}"
    for name in sorted(set(metrics) - set(code)):
        yield f"docs/telemetry.md lists {name}, which nobody emits"
    for name in sorted(set(metrics) & set(code)):
        if metrics[name][:2] != code[name]:
            yield f"docs/telemetry.md says that {name} is {metrics[name][:2]}; it is {code[name]}"
    _, labels = emitted()
    for name, (_, _, listed) in sorted(metrics.items()):
        for label in sorted(listed):
            if prometheus(label) not in labels:
                yield f"docs/telemetry.md gives {name} the label {label}, which nobody sets"
    for field in sorted(log_fields() - words):
        yield f"docs/telemetry.md does not list the log field {field}"
    yield from value_faults()


def prometheus(name):
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def suffix(kind, unit):
    """What the collector's Prometheus exporter appends to a name for its unit and kind."""
    if kind == "counter":
        return UNITS.get(unit if unit != "1" else "", "") + "_total"
    if unit == "1" and kind != "gauge":
        return ""
    return UNITS.get(unit, "")


def used(expression):
    """Metrics and labels that an expression names."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    labels = set()
    for matcher in re.findall(r"\{([^}]*)\}", text):
        labels |= set(re.findall(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)", matcher))
    for grouping in re.findall(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", text):
        labels |= {x.strip() for x in grouping.split(",") if x.strip()}
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", text)
    text = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    names = set(re.findall(r"[a-zA-Z_:][\w:]*", text)) - WORDS
    return {n for n in names if not re.fullmatch(r"[smhdw]|e\d*|inf|nan", n, re.IGNORECASE)}, labels


def values(expression):
    """(label, value) that an expression compares with; alternatives each."""
    for label, sign, text in re.findall(r'([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"', expression):
        for value in text.split("|") if "~" in sign else [text]:
            yield label, value


def rule_files():
    return [p for p in sorted((ROOT / "deploy/observability/alerts").glob("*.yaml")) if p.name != "tests.yaml"]


def all_rules():
    for path in rule_files():
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                yield path.name, rule


def dashboards():
    for path in sorted((ROOT / "deploy/observability/dashboards").glob("*.json")):
        yield path.name, json.loads(path.read_text(encoding="utf-8"))


def expressions():
    """(where, expression) of everything that asks Prometheus."""
    for name, rule in all_rules():
        yield f"{name}: {rule.get('alert') or rule['record']}", rule["expr"]
    for name, board in dashboards():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                # Grafana's variables stand for a label's value or for a window.
                text = re.sub(r"\$__\w+", "5m", target["expr"])
                yield f"{name}: {panel['title']}", text
    adapter = ROOT / "deploy/kustomize/components/autoscaling-by-lag/prometheus-adapter.yaml"
    for rule in yaml.safe_load(adapter.read_text(encoding="utf-8"))["rules"]["external"]:
        yield f"{adapter.name}: {rule['name']['as']}", rule["metricsQuery"].replace("<<.LabelMatchers>>", "")


def anchors():
    """Sections of the runbook, as links name them."""
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in heads}


@functools.cache
def literals():
    """Every string of the code, and the names of methods in the contracts."""
    found = set()
    for text in rust_files():
        found |= set(re.findall(r'"([^"\n]*)"', text))
    for path in (ROOT / "proto/redress").rglob("*_service.proto"):
        text = path.read_text(encoding="utf-8")
        package = re.search(r"^package ([\w.]+);", text, re.MULTILINE)[1]
        for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL):
            found |= {f"{package}.{service}/{rpc}" for rpc in re.findall(r"rpc (\w+)\(", body)}
    return frozenset(found)


def is_known(label, value):
    if label in ("job", "service_name"):
        return value.removeprefix("redress-") in SERVICES or value == "redress-.+"
    return label == "le" or value in literals()


def faults():
    yield from undocumented()
    names, labels = emitted()
    recorded = {rule["record"] for _, rule in all_rules() if "record" in rule}
    for name, found in sorted(bounds().items()):
        if not found:
            yield f"{name} has the buckets of the SDK, whose first bound in seconds is 5"
    for where, expression in expressions():
        yield from bucket_faults(where, expression)
        metrics, matchers = used(expression)
        for metric in sorted(metrics - set(names) - ALWAYS - recorded):
            yield f"{where} asks for {metric}, which nobody emits"
        for label in sorted(matchers - labels - ALWAYS_LABELS):
            yield f"{where} asks for the label {label}, which nobody sets"
        for label, value in values(expression):
            if value and not value.startswith("$") and not is_known(label, value):
                yield f"{where} asks for {label} {value}, which nobody sets"
    for name, board in dashboards():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                if bool(target.get("exemplar")) != (EXEMPLARS in target["expr"]):
                    yield f"{name}: {panel['title']} shows exemplars where there are none, or none where there are: {EXEMPLARS} alone has them"
    sections = anchors()
    for where, rule in all_rules():
        yield from birth_faults(f"{where}: {rule.get('alert') or rule.get('record')}", rule)
        if "alert" not in rule:
            continue
        notes = rule.get("annotations", {})
        for key in ("summary", "impact", "runbook_url"):
            if not notes.get(key):
                yield f"{where}: {rule['alert']} has no {key}"
        page, _, anchor = notes.get("runbook_url", "").partition("#")
        if page != "{{ $externalLabels.redress_docs }}docs/runbook.md" or anchor not in sections:
            yield f"{where}: {rule['alert']} names {notes.get('runbook_url')}, which is no section of the runbook"
        if rule.get("labels", {}).get("severity") not in ("page", "ticket"):
            yield f"{where}: {rule['alert']} is neither a page nor a ticket"


def uncaused_alerts():
    """Alerts whose fault no test of tests/it/alerts.rs causes on a running platform."""
    text = (ROOT / "tests/it/alerts.rs").read_text(encoding="utf-8")
    return [r["alert"] for _, r in all_rules() if "alert" in r and f'"{r["alert"]}"' not in text and f"- alert: {r['alert']}\\n" not in text]


def unlisted_alerts():
    """Alerts that the runbook's table does not lead to the section that they name."""
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    rows = {name: anchor for names, anchor in re.findall(r"^\| (`Redress[^|]*) \| \[[^\]]+\]\(#([\w-]+)\)", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", names)}
    alerts = {r["alert"]: r.get("annotations", {}).get("runbook_url", "") for _, r in all_rules() if "alert" in r}
    return sorted([a for a, link in alerts.items() if not link.endswith(f"#{rows.get(a)}")] + [a for a in rows if a not in alerts])


def untested_alerts():
    """Alerts that no test of tests.yaml causes."""
    text = (ROOT / "deploy/observability/alerts/tests.yaml").read_text(encoding="utf-8")
    return [r["alert"] for _, r in all_rules() if "alert" in r and f'alertname="{r["alert"]}"' not in text]
