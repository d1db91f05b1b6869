"""The command line as a script uses it: one JSON object a line, exit codes, and an end.

Usage: cli.py REDRESS_BINARY   (REDRESS_HOME names the running platform)
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
REDRESS = sys.argv[1]
CORPUS = ROOT / "tests" / "corpus" / "scenarios.jsonl"


def redress(*arguments, code=0):
    done = subprocess.run(
        [REDRESS, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == code, (arguments, done.returncode, done.stdout[-2000:], done.stderr)
    return done.stdout


def rows(*arguments):
    return [json.loads(line) for line in redress(*arguments, "--json").splitlines()]


def text_of(file):
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def until(what, reached, seconds=120, running=None):
    end = time.monotonic() + seconds
    while not reached():
        assert running is None or running.poll() is None, f"ended with {running.returncode} before: {what}"
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.1)


def kill_server(home, server, pid_file):
    """As the system kills one that takes too much memory."""
    folder = json.loads(text_of(home / f"{server}.json"))["folder"]
    pid = text_of(pathlib.Path(folder) / pid_file).splitlines()[0]
    os.kill(int(pid), signal.SIGKILL)


def instant(text):
    """Orders instants whatever the number of digits after the second."""
    whole, _, part = text.rstrip("Z").partition(".")
    return whole, part.ljust(9, "0")


def main() -> None:
    passed = 0
    expected = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    ids = [row["id"] for row in expected]

    # Preview: judged against `expect` (exit code 0), nothing written.
    before = len(rows("case", "list"))
    preview = rows("replay", str(CORPUS), "--preview")
    assert [r["id"] for r in preview] == ids
    for row, want in zip(preview, expected):
        assert row["case"] is None and row["cluster"] is None, row
        assert row["incident"] is want["expect"]["incident"], row
        assert sorted(row["criteria"]) == sorted(want["expect"]["criteria"]), row
        assert row["grade"] == want["expect"]["grade"], row
    assert len(rows("case", "list")) == before
    passed += 1

    # A decision that is not the expected one makes the exit code speak, after all rows.
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as wrong:
        for want in expected[:3]:
            want = json.loads(json.dumps(want))
            want["expect"]["grade"] = 4 if want["expect"]["grade"] != 4 else 1
            wrong.write(json.dumps(want, ensure_ascii=False) + "\n")
        wrong.flush()
        out = redress("replay", wrong.name, "--preview", "--json", code=1)
        assert len(out.splitlines()) == 3, out
    passed += 1

    # A line that is no row fails by itself: the others are decided, in the order of the file.
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as broken:
        good = [json.dumps(want, ensure_ascii=False) for want in expected[:2]]
        broken.write("\n".join([good[0], '{"id": "x"', good[1]]) + "\n")
        broken.flush()
        out = redress("replay", broken.name, "--preview", "--json", code=1)
    told = [json.loads(line) for line in out.splitlines()]
    assert [r["id"] for r in told] == [ids[0], None, ids[1]], told
    assert told[1]["line"] == 2 and told[1]["error"] and not told[1]["grade"], told
    assert all(r["grade"] and "error" not in r for r in (told[0], told[2])), told
    passed += 1

    # Live: every row becomes a case with a cluster; grade 1 has an incident, and only grade 1.
    live = rows("replay", str(CORPUS))
    assert [r["id"] for r in live] == ids
    for row in live:
        assert row["case"].startswith("sites/") and row["cluster"].startswith("sites/"), row
        assert 1 <= row["grade"] <= 4 and row["criteria"], row
        if row["grade"] == 1:
            assert row["incident"].startswith("sites/"), row
    assert len(rows("case", "list")) == before + len(ids)
    passed += 1

    # Messages are history: graded and clustered, never more.
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as history:
        for n in range(3):
            message = {
                "id": f"m{n}",
                "complainant": f"reader-{n}",
                "received_at": "2019-05-01T09:00:00+08:00",
                "title": "小区门口修路,已经半年",
                "text": "小区门口修路半年没有完工,多人受伤,已经起诉,电视台也来了。",
                "likes": 20000,
                "issue": None,
            }
            history.write(json.dumps(message, ensure_ascii=False) + "\n")
        history.flush()
        old = rows("replay", history.name)
    assert [r["id"] for r in old] == ["m0", "m1", "m2"]
    for row in old:
        assert row["incident"] is None and row["case"] and row["grade"], row
        assert rows("clock", "list", "--case", row["case"]) == [], row
        assert rows("message", "list", "--case", row["case"]) == [], row
    passed += 1

    # Lists: limits, the next deadline first, names that lead on.
    assert len(rows("case", "list", "--limit", "3")) == 3
    due = [c["due_time"] for c in rows("clock", "list", "--state", "RUNNING", "--limit", "20")]
    assert due == sorted(due, key=instant) and due, due
    incidents = rows("incident", "list", "--state", "OPEN")
    assert incidents
    site = incidents[0]["name"].split("/")[1]
    shown = rows("incident", "show", f"{site}/{incidents[0]['number']}")
    assert shown[0]["name"] == incidents[0]["name"]
    exported = rows("incident", "export", incidents[0]["name"])
    assert len(exported) == 1 and exported[0]["format"] == "MARKDOWN", exported
    assert incidents[0]["number"] in exported[0]["document"]
    room = subprocess.Popen(
        [REDRESS, "incident", "room", incidents[0]["name"], "--json"], stdout=subprocess.PIPE, text=True
    )
    signal.alarm(120)
    first = room.stdout.readline()
    signal.alarm(0)
    assert json.loads(first)["incident"]["name"] == incidents[0]["name"]
    room.send_signal(signal.SIGINT)
    # Whoever reads no more keeps it from writing, and from ending.
    room.communicate(timeout=60)
    assert room.returncode == 0
    assert rows("event", "parked") == []
    passed += 1

    # Texts: what holds, what must not be said, what somebody writes to a complainant.
    case = live[0]["case"]
    site = case.split("/")[1]
    texts = rows("template", "list", "--site", site)
    assert {t["language"] for t in texts} == {"zh-CN", "en"}
    assert all(v["description_en"] for t in texts for v in t["variables"])
    seen = rows("template", "preview", "case.received", "--site", site)
    assert "工程部" in seen[0]["body"], seen
    rude = json.loads(redress("wording", "check", "--site", site, "--text", "这点小事", "--json", code=1))
    assert rude["hits"][0]["rule"] == "belittles", rude
    redress("message", "send", case, "--text", "这点小事", code=1)
    for message in rows("message", "send", case, "--text", "我们明天上午到现场检查。"):
        assert message["template"] == "case.message", message
    assert rows("task", "list", "--site", site, "--state", "DONE") == []
    assert rows("message", "redrive", "--site", site) == [{}]
    passed += 1

    # A refused field is named as the option that gives it.
    negative = subprocess.run(
        [REDRESS, "case", "create", "--site", site, "--channel", "HOTLINE", "--claim=-5", "--text", "漏水"],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert negative.returncode == 1 and "--claim" in negative.stderr, negative
    passed += 1

    # A token of one site sees that site.
    token = redress("token", "--site", "riverside-store", "--role", "auditor").strip()
    os.environ["REDRESS_TOKEN"] = token
    assert {s["name"] for s in rows("site", "list")} == {"sites/riverside-store"}
    assert all(c["name"].startswith("sites/riverside-store/") for c in rows("case", "list"))
    del os.environ["REDRESS_TOKEN"]
    passed += 1

    redress("up", code=1)  # one platform for one data folder
    home = os.environ["REDRESS_HOME"]
    assert rows("stop") == [{"home": home, "ended": True}]
    assert rows("stop") == [{"home": home, "ended": False}]
    redress("case", "list", code=1)
    passed += 1

    # Without the keys that sealed the data there is no start, and none are made over it.
    keys = pathlib.Path(os.environ["REDRESS_HOME"]) / "vault.key"
    away = keys.rename(keys.with_suffix(".away"))
    redress("up", code=1)
    assert not keys.exists()
    away.rename(keys)
    passed += 1

    # A Redis that was killed is started again (I4); without its Postgres the platform ends and says so.
    home = keys.parent
    log = home / "errors.log"
    with log.open("w", encoding="utf-8") as errors:
        up = subprocess.Popen([REDRESS, "up"], stdout=subprocess.DEVNULL, stderr=errors)
        try:
            until("it is up", lambda: text_of(home / "ready") == str(up.pid), running=up)
            kill_server(home, "redis", "redis.pid")
            until("Redis is started again", lambda: "Redis ended" in text_of(log), running=up)
            assert rows("case", "list", "--limit", "1") and up.poll() is None
            kill_server(home, "postgres", "data/postmaster.pid")
            assert up.wait(timeout=120) == 1
            assert "Postgres ended" in text_of(log), text_of(log)
        finally:
            if up.poll() is None:
                up.terminate()
                up.wait(timeout=120)
    passed += 1
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    main()
