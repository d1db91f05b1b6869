"""Each rule sees what it is for: the rendered overlays are right, and one break at a time turns its rule red."""

import base64
import copy
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import check
import code_facts
import rules
from model import ROOT, SERVICES, Overlay, containers, pod

RENDERED = ROOT / "target/manifests"
OVERLAYS = {o.name: o for o in check.overlays(RENDERED)}


@unittest.skipUnless(OVERLAYS, "nothing was rendered: kustomize is not here")
class Breaks(unittest.TestCase):
    def broken_by(self, rule, change, overlay="prod", words=""):
        """Applies a change to a copy of the overlay; the rule must say so, and must have been silent before."""
        self.assertEqual([], list(rule(OVERLAYS[overlay])), "silent before the break")
        other = copy.deepcopy(OVERLAYS[overlay])
        change(other)
        found = [text for _, text in rule(other)]
        self.assertTrue(any(words in text for text in found), f"{rule.__name__} sees nothing: {found}")

    def intake(self, change):
        return lambda o: change(o.get("Deployment", "redress-intake"))

    def container(self, change):
        return lambda o: change(pod(o.get("Deployment", "redress-intake"))["containers"][0])

    def remove(self, kind, name):
        return lambda o: o.objects.remove(o.get(kind, name))

    def test_the_rendered_overlays_are_right(self):
        for overlay in OVERLAYS.values():
            self.assertEqual([], rules.broken(overlay))
        self.assertEqual({"dev", "prod"}, set(OVERLAYS))

    def test_every_rule_is_broken_by_a_test(self):
        text = pathlib.Path(__file__).read_text(encoding="utf-8")
        for rule in rules.RULES:
            self.assertIn(f"rules.{rule.__name__}", text)

    def test_a_port_out_of_range_is_seen(self):
        rule = rules.ports_are_in_range
        self.broken_by(rule, self.container(lambda c: c["ports"][0].update(containerPort=5005100)))
        self.broken_by(rule, lambda o: o.get("Service", "redress-intake")["spec"]["ports"][0].update(port=0))
        self.broken_by(rule, lambda o: o.get("NetworkPolicy", "redress-intake")["spec"]["egress"][0]["ports"][0].update(port=70000))

    def test_requests_above_or_without_limits_are_seen(self):
        rule = rules.requests_stay_below_limits
        self.broken_by(rule, self.container(lambda c: c["resources"]["requests"].update(memory="8Gi")), words="more memory")
        self.broken_by(rule, self.container(lambda c: c["resources"]["requests"].update(cpu="2001m")), words="more cpu")
        self.broken_by(rule, self.container(lambda c: c["resources"].pop("limits")), words="has no cpu")

    def test_selectors_that_miss_are_seen(self):
        rule = rules.selectors_find_pods
        self.broken_by(rule, self.intake(lambda d: d["spec"]["template"]["metadata"]["labels"].pop("app.kubernetes.io/name")), words="its own pods")
        self.broken_by(rule, self.intake(lambda d: d["spec"]["selector"]["matchLabels"].pop("app.kubernetes.io/name")), words="too")
        self.broken_by(rule, lambda o: o.get("Service", "redress-intake")["spec"]["selector"].pop("app.kubernetes.io/component"), words="it must be one")
        self.broken_by(rule, lambda o: o.get("Service", "redress-intake")["spec"]["ports"][0].update(targetPort="http"), words="no port http")
        self.broken_by(rule, lambda o: o.get("PodDisruptionBudget", "redress-intake")["spec"]["selector"]["matchLabels"].update({"app.kubernetes.io/name": "x"}), words="selects no pods")
        self.broken_by(rule, lambda o: o.get("HorizontalPodAutoscaler", "redress-intake")["spec"]["scaleTargetRef"].update(name="x"), words="does not exist")
        self.broken_by(rule, lambda o: o.get("NetworkPolicy", "redress-intake")["spec"]["podSelector"]["matchLabels"].update({"app.kubernetes.io/name": "x"}), words="selects no pods")

    def test_references_into_nothing_are_seen(self):
        rule = rules.references_exist
        self.broken_by(rule, lambda o: o.objects.remove(next(m for m in o.of("ConfigMap") if m["metadata"]["name"].startswith("redress-settings"))), words="ConfigMap redress-settings")
        self.broken_by(rule, lambda o: next(m for m in o.of("ConfigMap") if m["metadata"]["name"].startswith("redress-database"))["data"].pop("DATABASE_HOST"), words="no key DATABASE_HOST")
        self.broken_by(rule, lambda o: o.secrets.pop("redress-intake-app"), words="Secret redress-intake-app does not exist")
        self.broken_by(rule, lambda o: o.secrets["redress-vault"].clear() or o.secrets.pop("redress-vault"), words="redress-vault")
        self.broken_by(rule, lambda o: o.secrets["redress-postgres-superuser"].remove("password"), overlay="dev", words="no key password")
        self.broken_by(rule, self.remove("ServiceAccount", "redress-intake"), words="ServiceAccount")
        self.broken_by(rule, self.intake(lambda d: pod(d)["volumes"].pop()), words="is no volume")
        self.broken_by(rule, self.container(lambda c: c["volumeMounts"].pop()), words="nobody mounts")
        self.broken_by(rule, self.container(lambda c: c["readinessProbe"]["grpc"].update(port=7499)), words="asks port 7499")
        self.broken_by(rule, self.remove("Service", "redress-crisis-edge"), words="its backend")
        self.broken_by(rule, lambda o: o.get("Gateway", "redress")["spec"]["listeners"][0].update(name="x"), words="its gateway")

    def test_a_service_that_lacks_something_is_seen(self):
        rule = rules.each_service_is_complete
        self.broken_by(rule, self.remove("Deployment", "redress-crisis"), words="is missing")
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            self.broken_by(rule, self.container(lambda c, p=probe: c.pop(p)), words=probe)
        self.broken_by(rule, self.container(lambda c: c.pop("lifecycle")), words="preStop")
        self.broken_by(rule, self.intake(lambda d: d["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1)), words="less than all")
        self.broken_by(rule, self.intake(lambda d: pod(d).pop("topologySpreadConstraints")), words="spread")
        self.broken_by(rule, lambda o: o.get("Service", "redress-intake")["spec"].pop("clusterIP"), words="headless")
        self.broken_by(rule, self.remove("PodDisruptionBudget", "redress-intake"), words="PodDisruptionBudget")
        self.broken_by(rule, self.remove("HorizontalPodAutoscaler", "redress-intake"), words="HorizontalPodAutoscaler")
        self.broken_by(rule, self.remove("NetworkPolicy", "redress-intake"), words="NetworkPolicy")
        self.broken_by(rule, self.remove("Job", "redress-migrate-0.1.0-intake"), words="migration Job")
        self.broken_by(rule, self.remove("NetworkPolicy", "default-deny"), words="is missing")

    def test_a_pod_with_rights_it_needs_not_is_seen(self):
        rule = rules.pods_are_restricted
        self.broken_by(rule, self.intake(lambda d: pod(d)["securityContext"].pop("runAsNonRoot")), words="may run as root")
        self.broken_by(rule, self.intake(lambda d: pod(d)["securityContext"].update(runAsUser=0)), words="runs as root")
        self.broken_by(rule, self.intake(lambda d: pod(d)["securityContext"].pop("seccompProfile")), words="seccomp")
        self.broken_by(rule, self.intake(lambda d: pod(d).update(hostNetwork=True)), words="hostNetwork")
        self.broken_by(rule, self.intake(lambda d: pod(d)["volumes"].append({"name": "x", "hostPath": {"path": "/"}})), words="of its node")
        self.broken_by(rule, self.container(lambda c: c["securityContext"].update(privileged=True)), words="gain privileges")
        self.broken_by(rule, self.container(lambda c: c["securityContext"].pop("capabilities")), words="capabilities")
        self.broken_by(rule, self.container(lambda c: c["securityContext"].pop("readOnlyRootFilesystem")), words="write to its image")
        self.broken_by(rule, self.intake(lambda d: pod(d).pop("automountServiceAccountToken")), words="token")
        self.broken_by(rule, lambda o: o.get("Namespace", "redress")["metadata"]["labels"].clear(), words="Pod Security")

    def test_a_grace_shorter_than_the_drain_is_seen(self):
        rule = rules.grace_covers_the_drain
        self.broken_by(rule, self.intake(lambda d: pod(d).update(terminationGracePeriodSeconds=30)), words="may need")
        self.broken_by(rule, lambda o: next(m for m in o.of("ConfigMap") if m["metadata"]["name"].startswith("redress-settings"))["data"].update(REDRESS__SERVER__DRAIN_LIMIT_SECONDS="60"), words="may need")
        self.broken_by(rule, self.container(lambda c: c["lifecycle"]["preStop"]["sleep"].update(seconds=5)), words="an address that is gone")

    def test_a_variable_used_before_it_is_defined_is_seen(self):
        rule = rules.variables_are_defined_before_use
        self.broken_by(rule, self.container(lambda c: c["env"].reverse()), words="before it is defined")
        self.broken_by(rule, self.container(lambda c: c["env"].append(c["env"][0])), words="twice")
        self.broken_by(rule, self.container(lambda c: c["args"].append("$(NOBODY)")), words="not defined")

    def test_a_setting_that_no_service_reads_is_seen(self):
        rule = rules.settings_are_known

        def settings(change):
            return lambda o: change(next(m for m in o.of("ConfigMap") if m["metadata"]["name"].startswith("redress-settings"))["data"])

        self.broken_by(rule, settings(lambda d: d.update(REDRESS__SERWER__LISTEN="x")), words="serwer.listen is no key")
        self.broken_by(rule, settings(lambda d: d.update(REDRESS__AUTH__ISSUERS__COMPANY__JWK="x")), words="auth.issuers.company.jwk ")
        self.broken_by(rule, lambda o: next(m for m in o.of("ConfigMap") if m["metadata"]["name"].startswith("redress-config-crisis"))["data"].update({"config.toml": "[service]\nbriefing = 1"}), words="service.briefing")
        self.broken_by(rule, settings(lambda d: d.pop("REDRESS__VAULT__KEY_FILE")), words="vault.key_file")
        self.broken_by(rule, settings(lambda d: d.update(REDRESS__VAULT__KEY_FILE="/nowhere/vault.key")), words="mounted")
        self.broken_by(rule, settings(lambda d: d.update(REDRESS__SERVER__LISTEN="0.0.0.0:7401")), words="listens on 7401")
        self.broken_by(rule, settings(lambda d: d.update(REDRESS__PEERS__CRISIS="http://redress-crisis:7405")), words="peers.crisis")

    def test_an_edge_too_many_or_too_few_is_seen(self):
        rule = rules.edges_are_those_of_the_code
        first = lambda o, name, way, side: o.get("NetworkPolicy", name)["spec"][way][0][side]
        self.broken_by(rule, lambda o: first(o, "redress-crisis", "egress", "to").pop(), words="does not allow it")
        self.broken_by(rule, lambda o: first(o, "redress-crisis", "ingress", "from").pop(0), words="ingress does not allow it")
        self.broken_by(rule, lambda o: first(o, "redress-crisis", "egress", "to").append({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "redress-crisis"}}}), words="never does")

    def test_traffic_that_is_shut_or_open_by_mistake_is_seen(self):
        rule = rules.traffic_is_what_the_design_draws
        policy = lambda o, name: o.get("NetworkPolicy", name)["spec"]
        self.broken_by(rule, self.remove("NetworkPolicy", "redress-to-postgres-cluster"), words="cannot reach redress-postgres on 5432")
        self.broken_by(rule, self.remove("NetworkPolicy", "redress-to-redis-cluster"), words="cannot reach redress-redis-leader on 6379")
        self.broken_by(rule, self.remove("NetworkPolicy", "redress-telemetry"), words="cannot reach redress-collector on 4317")
        self.broken_by(rule, lambda o: policy(o, "redress-collector")["egress"][0]["ports"].pop(), words="cannot reach monitoring on 3100")
        self.broken_by(rule, self.remove("NetworkPolicy", "redress-gateway"), words="cannot reach redress-intake on 7400")
        self.broken_by(rule, self.remove("NetworkPolicy", "allow-dns"), words="cannot ask the dns")
        self.broken_by(rule, lambda o: policy(o, "allow-dns")["egress"][0]["ports"].pop(0), words="(UDP)")
        self.broken_by(rule, self.remove("NetworkPolicy", "redress-secrets"), overlay="dev", words="cannot reach api server")
        self.broken_by(rule, self.remove("NetworkPolicy", "redress-bootstrap-to-postgres"), overlay="dev", words="cannot reach redress-postgres")
        self.broken_by(rule, self.remove("NetworkPolicy", "default-deny"), words="which nothing needs")
        self.broken_by(rule, lambda o: policy(o, "redress-migrate")["egress"][0]["ports"].append({"port": 6379, "protocol": "TCP"}) or policy(o, "redress-migrate")["egress"][0].pop("to"), overlay="dev", words="which nothing needs")
        self.broken_by(rule, lambda o: policy(o, "redress-issuer")["egress"][0]["to"][0]["ipBlock"].pop("except"), words="may reach inside on 443")

    def test_the_code_has_the_edges_that_the_design_draws(self):
        edges = code_facts.edges()
        for other in SERVICES[1:]:
            self.assertIn(("intake", other), edges)
        self.assertIn(("triage", "intake"), edges)
        self.assertIn(("crisis", "notification"), edges)
        self.assertIn(("crisis", "triage"), edges)
        self.assertNotIn(("crisis", "crisis"), edges)

    def test_a_route_too_many_or_too_few_is_seen(self):
        rule = rules.routes_are_those_of_the_contracts
        matches = lambda o, name: o.get("GRPCRoute", name)["spec"]["rules"][0]["matches"]
        self.broken_by(rule, lambda o: matches(o, "redress-intake").pop(), words="has no route")
        self.broken_by(rule, lambda o: matches(o, "redress-intake").append({"method": {"service": "redress.event.v1.InboxService"}}), words="not for the outside")
        self.broken_by(rule, lambda o: matches(o, "redress-intake").append(matches(o, "redress-crisis")[0]), words="somebody else")
        self.broken_by(rule, lambda o: matches(o, "redress-intake").extend(matches(o, "redress-intake") * 8), words="more than 8")

    def test_scaling_that_cannot_work_is_seen(self):
        rule = rules.scaling_is_possible
        scaler = lambda change: lambda o: change(o.get("HorizontalPodAutoscaler", "redress-intake")["spec"])
        self.broken_by(rule, scaler(lambda s: s.update(minReplicas=99)), words="above maxReplicas")
        self.broken_by(rule, scaler(lambda s: s.update(minReplicas=1)), words="one replica")
        self.broken_by(rule, scaler(lambda s: s["metrics"][1]["external"]["metric"].update(name="x")), words="no adapter")
        self.broken_by(rule, scaler(lambda s: s["metrics"][1]["external"]["metric"].pop("selector")), words="of others")
        self.broken_by(rule, scaler(lambda s: s["metrics"][1]["external"]["metric"]["selector"]["matchLabels"].update(redress_subscriber="triage")), words="of others")
        self.broken_by(rule, self.intake(lambda d: d["spec"].update(replicas=3)), words="undo")
        self.broken_by(rule, lambda o: o.get("PodDisruptionBudget", "redress-intake")["spec"].update(maxUnavailable=0), words="evicted")

    def test_too_few_connections_are_seen(self):
        rule = rules.postgres_has_connections_for_all
        self.broken_by(rule, lambda o: o.get("HorizontalPodAutoscaler", "redress-intake")["spec"].update(maxReplicas=50), words="may open")
        self.broken_by(rule, lambda o: o.get("HorizontalPodAutoscaler", "redress-intake")["spec"].update(maxReplicas=50), overlay="dev", words="may open")

    def test_too_little_memory_for_the_connections_is_seen(self):
        rule = rules.postgres_has_connections_for_all
        self.broken_by(rule, lambda o: o.get("Cluster", "redress-postgres")["spec"]["resources"]["limits"].update(memory="4Gi"), words="its memory ends")
        self.broken_by(rule, lambda o: containers(o.get("StatefulSet", "redress-postgres"))[0]["resources"]["limits"].update(memory="1Gi"), overlay="dev", words="its memory ends")
        shared = lambda o: next(v for v in pod(o.get("StatefulSet", "redress-postgres"))["volumes"] if v["name"] == "shm")["emptyDir"]
        self.broken_by(rule, lambda o: shared(o).update(sizeLimit="2Gi"), overlay="dev", words="its memory ends")

    def test_a_redis_that_does_not_know_its_limit_is_seen(self):
        rule = rules.redis_knows_its_limit
        spec = lambda o: o.get("RedisCluster", "redress-redis")["spec"]
        config = lambda text: lambda o: o.get("ConfigMap", "redress-redis-config")["data"].update({"redis-additional.conf": text})
        for role in ("redisLeader", "redisFollower"):
            self.broken_by(rule, lambda o, r=role: spec(o)[r].pop("redisConfig"), words=f"{role} has no maxmemory")
        self.broken_by(rule, self.remove("ConfigMap", "redress-redis-config"), words="no maxmemory")
        self.broken_by(rule, config("maxmemory 0mb\nmaxmemory-policy noeviction\n"), words="no maxmemory")
        self.broken_by(rule, config("maxmemory 384mb\nmaxmemory-policy allkeys-lru\n"), words="may forget")
        self.broken_by(rule, lambda o: spec(o)["kubernetesConfig"]["resources"]["limits"].update(memory="256Mi"), words="leaves nothing")

    def test_an_image_without_a_release_is_seen(self):
        rule = rules.images_are_pinned
        self.broken_by(rule, self.container(lambda c: c.update(image="registry:5000/redress-intake")), words="no release")
        self.broken_by(rule, self.container(lambda c: c.update(image="redress-intake:0.2.0")), words="different releases")
        self.broken_by(rule, lambda o: o.get("Job", "redress-migrate-0.1.0-intake")["metadata"].update(name="redress-migrate-intake"), words="in its name")

    def test_a_registry_may_have_a_port(self):
        render = ["kustomize", "build"] if shutil.which("kustomize") else ["kubectl", "kustomize"]
        for name in OVERLAYS:
            with self.subTest(name), tempfile.TemporaryDirectory() as copied:
                shutil.copytree(ROOT / "deploy", pathlib.Path(copied, "deploy"))
                overlay = pathlib.Path(copied, "deploy/kustomize/overlays", name)
                text = (overlay / "kustomization.yaml").read_text(encoding="utf-8")
                image = r"{name: (redress-\w+), (?:newName: [^,]+, )?newTag"
                text, count = re.subn(image, r"{name: \1, newName: localhost:5001/\1, newTag", text)
                self.assertEqual(len(SERVICES), count)
                (overlay / "kustomization.yaml").write_text(text, encoding="utf-8")
                rendered = pathlib.Path(copied, "rendered.yaml")
                rendered.write_bytes(subprocess.run([*render, str(overlay)], check=True, capture_output=True).stdout)
                moved = Overlay.read(name, rendered, {})
                self.assertIn("localhost:5001/redress-crisis:", pod(moved.get("Deployment", "redress-crisis"))["containers"][0]["image"])
                self.assertEqual([], list(rules.images_are_pinned(moved)))
                names = lambda o: sorted(job["metadata"]["name"] for job in o.of("Job"))
                self.assertEqual(names(OVERLAYS[name]), names(moved))

    def test_the_release_is_in_no_selector(self):
        for overlay in OVERLAYS.values():
            for obj in overlay.of("Deployment", "StatefulSet", "Service", "PodDisruptionBudget", "NetworkPolicy"):
                self.assertNotIn("app.kubernetes.io/version", str(obj["spec"]), obj["metadata"]["name"])

    def test_the_runbook_names_every_image_from_outside(self):
        def images(node):
            if isinstance(node, dict):
                yield from (v for k, v in node.items() if k == "image" and isinstance(v, str))
                node = list(node.values())
            if isinstance(node, list):
                for value in node:
                    yield from images(value)

        runbook = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
        found = {i for o in OVERLAYS.values() for i in images(o.objects) if not i.rsplit("/", 1)[-1].startswith("redress-")}
        self.assertTrue(any("postgres" in image for image in found))
        for image in found:
            self.assertIn(f"`{image}`", runbook)

    def test_an_object_outside_of_the_namespace_is_seen(self):
        self.broken_by(rules.everything_is_in_the_namespace, self.intake(lambda d: d["metadata"].pop("namespace")))

    def test_a_job_that_no_selector_of_the_runbook_finds_is_seen(self):
        rule = rules.jobs_are_found_like_their_pods
        self.broken_by(rule, lambda o: o.get("Job", "redress-bootstrap")["metadata"].pop("labels"), overlay="dev")

    def test_schemas_are_strict(self):
        overlay = copy.deepcopy(OVERLAYS["dev"])
        overlay.objects = [overlay.get("Deployment", "redress-intake")]
        self.assertEqual([], list(check.schema_faults(overlay)))
        containers(overlay.objects[0])[0]["readynessProbe"] = {}
        self.assertEqual(len(check.VERSIONS), len(list(check.schema_faults(overlay))))


class Secrets(unittest.TestCase):
    SCRIPT = ROOT / "deploy/kustomize/overlays/dev/secrets.sh"

    def test_new_secrets_are_complete_and_differ(self):
        made = check.run_secrets_script(self.SCRIPT)
        passwords = [v["password"] for v in made.values() if "password" in v]
        self.assertEqual(len(passwords), len(set(passwords)))
        decoded = [base64.b64decode(p).decode() for p in passwords]
        self.assertTrue(all(p.isalnum() and len(p) == 48 for p in decoded), "URLs take them as they are")
        self.assertEqual("redress_intake_app", base64.b64decode(made["redress-intake-app"]["username"]).decode())
        self.assertIn("BEGIN PRIVATE KEY", base64.b64decode(made["redress-platform"]["key.pem"]).decode())
        lines = base64.b64decode(made["redress-vault"]["vault.key"]).decode().splitlines()
        self.assertEqual(["token", "kek"], [line.split()[0] for line in lines if not line.startswith("#")])
        self.assertTrue(all(len(base64.b64decode(line.split()[-1])) == 32 for line in lines if not line.startswith("#")))

    def test_what_exists_is_kept_and_what_lacks_is_made(self):
        first = check.run_secrets_script(self.SCRIPT)
        # As an operator adds it to rotate the issuer's key.
        first["redress-platform"]["jwks.json"] = base64.b64encode(b'{"keys": []}').decode()
        with tempfile.TemporaryDirectory() as existing:
            for name, data in first.items():
                if name == "redress-redis":
                    continue
                folder = pathlib.Path(existing, name)
                folder.mkdir()
                for key, value in data.items():
                    (folder / key).write_bytes(base64.b64decode(value))
            second = check.run_secrets_script(self.SCRIPT, existing)
        self.assertNotEqual(first.pop("redress-redis"), second.pop("redress-redis"))
        self.assertEqual(first, second)


if __name__ == "__main__":
    unittest.main()
