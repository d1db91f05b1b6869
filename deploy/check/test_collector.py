"""The check of the collector's configuration sees what it is for."""

import copy
import unittest

import collector

CONFIG, PROMETHEUS = collector.read("collector/collector.yaml"), collector.read("prometheus.yaml")


class Collector(unittest.TestCase):
    def broken_by(self, words, change=lambda c: None, ask=lambda p: None):
        config, prometheus = copy.deepcopy(CONFIG), copy.deepcopy(PROMETHEUS)
        change(config)
        ask(prometheus)
        found = list(collector.faults(config, prometheus))
        self.assertTrue(any(words in f for f in found), found)

    def test_what_is_committed_is_right(self):
        self.assertEqual([], list(collector.faults()))

    def test_a_pipeline_that_does_not_hold_together_is_seen(self):
        pipes = lambda c: c["service"]["pipelines"]
        self.broken_by("none of its exporters", lambda c: pipes(c)["logs"]["exporters"].append("loki"))
        self.broken_by("used by no pipeline", lambda c: c["exporters"].update(debug={}))
        self.broken_by("one end", lambda c: pipes(c)["traces"]["exporters"].remove("spanmetrics"))
        self.broken_by("not the first", lambda c: pipes(c)["traces"]["processors"].reverse())
        self.broken_by("not the last", lambda c: pipes(c)["traces"]["processors"].append(pipes(c)["traces"]["processors"].pop(1)))
        self.broken_by("has no receivers", lambda c: pipes(c)["metrics"]["receivers"].clear())

    def test_a_key_that_a_component_has_not_is_seen(self):
        self.broken_by("has no key decision_weight", lambda c: c["processors"]["tail_sampling"].update(decision_weight="1s"))
        self.broken_by("no component", lambda c: c["exporters"].update(promtheus={}))
        self.broken_by("but not how", lambda c: c["processors"]["tail_sampling"]["policies"][0].update(type="latency"))

    def test_a_port_that_nobody_opens_is_seen(self):
        self.broken_by("its Deployment", lambda c: c["receivers"]["otlp"]["protocols"]["grpc"].update(endpoint="0.0.0.0:4318"))
        self.broken_by("does not ask", ask=lambda p: p["scrape_configs"][0]["static_configs"][0].update(targets=["redress-collector:9464"]))
        self.broken_by("nobody sets", lambda c: c["exporters"]["otlp"].update(endpoint="${env:BACKEND}"))

    def test_what_alerts_count_on_is_seen(self):
        self.broken_by("honor_labels", ask=lambda p: p["scrape_configs"][0].pop("honor_labels"))
        self.broken_by("the rules are", ask=lambda p: p["rule_files"].pop())
        self.broken_by("other names", lambda c: c["exporters"]["prometheus"].update(add_metric_suffixes=False))
        self.broken_by("otlp takes traces and logs", lambda c: c["service"]["pipelines"]["logs"]["exporters"].append("otlp"))
        self.broken_by("exemplar", lambda c: c["connectors"]["spanmetrics"]["exemplars"].update(enabled=False))
        self.broken_by("errors are not kept", lambda c: c["processors"]["tail_sampling"]["policies"].pop(0))
        self.broken_by("grade 1", lambda c: c["processors"]["tail_sampling"]["policies"].pop(1))


if __name__ == "__main__":
    unittest.main()
