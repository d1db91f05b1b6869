"""The check of alerts and dashboards sees what it is for."""

import unittest
from unittest import mock

import telemetry

RUNBOOK = "{{ $externalLabels.redress_docs }}docs/runbook.md"


class Telemetry(unittest.TestCase):
    def seen(self, expression="vector(1)", **changes):
        rule = {
            "alert": "Test", "expr": expression, "for": "5m", "labels": {"severity": "page"},
            "annotations": {"summary": "s", "impact": "i", "runbook_url": RUNBOOK + "#parked-events"},
        }
        rule.update(changes)
        only = {"all_rules": lambda: [("test.yaml", rule)], "dashboards": lambda: [], "undocumented": lambda: []}
        with mock.patch.multiple(telemetry, **only):
            return list(telemetry.faults())

    def test_what_is_committed_is_right(self):
        self.assertEqual([], list(telemetry.faults()))
        self.assertEqual([], telemetry.untested_alerts())
        self.assertEqual([], telemetry.uncaused_alerts())
        self.assertEqual([], telemetry.unlisted_alerts())

    def test_a_right_alert_is_silent(self):
        self.assertEqual([], self.seen('max by (job) (redress_events_parked{redress_service="intake"}) > 0'))

    def test_a_metric_that_nobody_emits_is_seen(self):
        self.assertIn("redress_events_lost_total", self.seen("rate(redress_events_lost_total[5m]) > 0")[0])
        self.assertIn("redress_timers_lag_bucket", self.seen('redress_timers_lag_bucket{le=~"10([.]0)?"}')[0], "the unit is part of the name")

    def test_a_label_or_value_that_nobody_sets_is_seen(self):
        self.assertIn("label site", self.seen("sum by (site) (redress_events_parked)")[0])
        self.assertIn("label colour", self.seen('redress_events_parked{colour="red"}')[0])
        self.assertIn("ARRIVED", self.seen('redress_notification_messages_total{redress_message_state=~"SENT|ARRIVED"}')[0])
        self.assertIn("MakeCase", self.seen('rpc_server_call_duration_seconds_count{rpc_method="redress.intake.v1.CaseService/MakeCase"}')[0])
        self.assertIn("redress-intakes", self.seen('redress_events_parked{job="redress-intakes"}')[0])

    def test_a_bucket_that_there_is_not_is_seen(self):
        ask = "sum(rate(redress_timers_lag_seconds_bucket{%s}[5m])) > 0"
        self.assertEqual([], self.seen(ask % 'le=~"10([.]0)?"'))
        self.assertIn("5 or 5.0", self.seen(ask % 'le="10"')[0])
        self.assertIn("which has", self.seen(ask % 'le=~"11([.]0)?"')[0])
        with mock.patch.object(telemetry, "bounds", lambda: {"redress_timers_lag_seconds": None}):
            self.assertIn("buckets of the SDK", self.seen()[0])

    def test_an_alert_that_does_not_see_how_a_series_begins_is_seen(self):
        missed = [f"{f}(redress_timers_repairs_total[1h]) > 100" for f in ("rate", "increase")]
        repairs = 'redress_timers_repairs_total{redress_timers_name="triage"}'
        whole = f"(last_over_time({repairs}[1h]) unless last_over_time({repairs}[1h] offset 1h)) or increase({repairs}[1h])"
        for expression in missed:
            self.assertIn("does not see with what", "\n".join(self.seen(expression, **{"for": "0m"})))
            self.assertEqual([], self.seen(expression), "what lasts goes on after its series began")
        self.assertEqual([], self.seen(f"sum({whole}) > 100", **{"for": "0m"}))
        self.assertIn("does not see with what", "\n".join(self.seen(f"sum({whole.replace('offset 1h', 'offset 2h')}) > 100", **{"for": "0m"})))

    def test_exemplars_that_are_asked_of_the_wrong_series_are_seen(self):
        def seen(expr, exemplar):
            board = {"panels": [{"title": "P", "targets": [{"expr": expr, "exemplar": exemplar}]}]}
            with mock.patch.multiple(telemetry, dashboards=lambda: [("x.json", board)], all_rules=lambda: [], undocumented=lambda: []):
                return list(telemetry.faults())

        spans, calls = "rate(redress_spans_duration_seconds_bucket[5m])", "rate(rpc_server_call_duration_seconds_bucket[5m])"
        self.assertEqual([], seen(spans, True) + seen(calls, False))
        self.assertIn("shows exemplars", seen(spans, False)[0])
        self.assertIn("shows exemplars", seen(calls, True)[0])

    def test_an_alert_that_tells_too_little_is_seen(self):
        notes = {"summary": "s", "impact": "i", "runbook_url": RUNBOOK + "#parked-events"}
        for key in notes:
            self.assertTrue(self.seen(annotations={k: v for k, v in notes.items() if k != key}), key)
        self.assertIn("no section", self.seen(annotations={**notes, "runbook_url": RUNBOOK + "#nowhere"})[0])
        self.assertIn("no section", self.seen(annotations={**notes, "runbook_url": "docs/runbook.md#parked-events"})[0])
        self.assertIn("neither", self.seen(labels={"severity": "loud"})[0])

    def test_names_are_those_that_the_collector_makes(self):
        for kind, unit, end in [
            ("counter", "{event}", "_total"), ("counter", "s", "_seconds_total"), ("counter", "1", "_total"),
            ("gauge", "{entry}", ""), ("gauge", "1", "_ratio"), ("gauge", "s", "_seconds"), ("histogram", "s", "_seconds"),
            ("histogram", "By", "_bytes"), ("up_down_counter", "{response}", ""),
        ]:
            self.assertEqual(end, telemetry.suffix(kind, unit), (kind, unit))
        names, labels = telemetry.emitted()
        self.assertIn("rpc_server_call_duration_seconds_bucket", names)
        self.assertIn("redress_timers_index_ready_ratio", names)
        self.assertIn("rpc_response_status_code", labels)

    def test_a_value_that_a_label_has_not_or_that_is_not_listed_is_seen(self):
        self.assertEqual([], list(telemetry.value_faults()))
        with mock.patch.dict(telemetry.VALUES, {("redress.incident.mode", ""): telemetry.VALUES[("redress.incident.stage", "")]}):
            found = "\n".join(telemetry.value_faults())
            self.assertIn("redress.incident.mode : LATENT is in the code only", found)
            self.assertIn("redress.incident.mode : PRIVATE is nowhere in the code", found)
        with mock.patch.object(telemetry, "documented_values", lambda: {}):
            found = "\n".join(telemetry.value_faults())
            self.assertIn("does not say which values redress.event.type has", found)
            self.assertNotIn("db.system.name", found, "which says so beside its name")

    def test_an_instrument_is_found_however_it_is_made(self):
        code = [
            'meter.u64_counter("a.made").with_unit("{event}").build();',
            'let b = Counted::gauge(\n    &meter,\n    "b.open",\n    "s",\n    "What stands, of \\"b\\".",\n);',
            'Self { c: Counted::gauge(meter, "c.open", "{case}", "Open."), d: meter.f64_histogram("d.took").with_boundaries(vec![0.5, 2.0]).build() }',
        ]
        with mock.patch.object(telemetry, "rust_files", lambda: code):
            self.assertEqual(
                {"a.made": ("counter", "{event}"), "b.open": ("gauge", "s"), "c.open": ("gauge", "{case}"), "d.took": ("histogram", "")},
                telemetry.instruments(),
            )
            self.assertEqual({"a_made_total", "b_open_seconds", "c_open", "d_took_bucket", "d_took_sum", "d_took_count"}, set(telemetry.emitted.__wrapped__()[0]))
            self.assertEqual({"d_took": [0.5, 2.0]}, telemetry.bounds.__wrapped__())

    def test_an_alert_without_a_test_is_seen(self):
        with mock.patch.object(telemetry, "all_rules", lambda: [("x", {"alert": "Untested"})]):
            self.assertEqual(["Untested"], telemetry.untested_alerts())
            self.assertEqual(["Untested"], telemetry.uncaused_alerts())
            self.assertIn("Untested", telemetry.unlisted_alerts())


if __name__ == "__main__":
    unittest.main()
