"""A portal in another language does the main job: it knows nothing of Redress but the contracts.

Stubs are made from `proto/` at the start, as a portal's developer would. The second half speaks
gRPC-Web over plain HTTP/1.1, as a browser would.

Usage: portal.py ENDPOINTS_JSON TOKEN_FILE STUBS_FOLDER
"""

import http.client
import importlib
import json
import pathlib
import sys
import time
import urllib.parse
import uuid

import grpc
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRIES = 300
PAUSE_SECONDS = 0.2


def make_stubs(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    include = pathlib.Path(protoc.__file__).parent / "_proto"
    proto = ROOT / "proto"
    files = [
        str(p)
        for base in (proto / "redress", proto / "third_party")
        for p in sorted(base.rglob("*.proto"))
    ]
    code = protoc.main(
        [
            "protoc",
            # The vendored files first: their folder lies below ours.
            f"-I{proto / 'third_party'}",
            f"-I{proto}",
            f"-I{include}",
            f"--python_out={folder}",
            f"--grpc_python_out={folder}",
            *files,
        ]
    )
    assert code == 0, "the contracts do not compile with protoc"
    sys.path.insert(0, str(folder))


def eventually(what, predicate):
    last = None
    for _ in range(TRIES):
        last = predicate()
        if last:
            return last
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"did not happen: {what}; last seen: {last}")


def grpc_web(endpoint, method, token, message):
    """One unary call as a browser makes it. Returns (status, message bytes)."""
    url = urllib.parse.urlparse(endpoint)
    payload = message.SerializeToString()
    frame = b"\x00" + len(payload).to_bytes(4, "big") + payload
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    connection.request(
        "POST",
        method,
        frame,
        {
            "content-type": "application/grpc-web+proto",
            "x-grpc-web": "1",
            "authorization": f"Bearer {token}",
            "origin": "https://portal.example",
        },
    )
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (answer.status, body)
    status = answer.headers.get("grpc-status")
    data = b""
    while body:
        flag, length = body[0], int.from_bytes(body[1:5], "big")
        part, body = body[5 : 5 + length], body[5 + length :]
        if flag & 0x80:
            for line in part.decode().split("\r\n"):
                if line.lower().startswith("grpc-status:"):
                    status = line.split(":", 1)[1].strip()
        else:
            data += part
    return int(status), data


def main() -> None:
    endpoints = json.loads(pathlib.Path(sys.argv[1]).read_text())
    token = pathlib.Path(sys.argv[2]).read_text().strip()
    make_stubs(pathlib.Path(sys.argv[3]))
    load = importlib.import_module
    cases_pb = load("redress.intake.v1.cases_pb2")
    case_service_pb = load("redress.intake.v1.case_service_pb2")
    case_service = load("redress.intake.v1.case_service_pb2_grpc")
    clock_pb = load("redress.triage.v1.clock_service_pb2")
    clock_service = load("redress.triage.v1.clock_service_pb2_grpc")
    words = load("redress.type.v1.case_pb2")

    def channel(service):
        return grpc.insecure_channel(urllib.parse.urlparse(endpoints[service]).netloc)

    metadata = [("authorization", f"Bearer {token}")]
    cases = case_service.CaseServiceStub(channel("intake"))
    clock = clock_service.ClockServiceStub(channel("triage"))
    passed = 0

    # A complaint of twelve people about a changed plan: grade 1 by number (G1.4).
    request = case_service_pb.CreateCaseRequest(
        parent="sites/lakeside",
        request_id=str(uuid.uuid4()),
        case=cases_pb.Case(
            channel=words.CHANNEL_VISIT,
            headcount=12,
            complainants=[cases_pb.Complainant(display_name="业主代表", phone="13900000001")],
            text="三期规划改了,承诺的中心绿地没有了,请公司答复。",
            wants=words.WANTS_REMEDY,
        ),
    )
    created = cases.CreateCase(request, metadata=metadata, timeout=30).case
    assert created.name.startswith("sites/lakeside/cases/"), created.name
    assert created.number, "a case has a number"
    passed += 1

    # I2: the same request_id gives the same case.
    again = cases.CreateCase(request, metadata=metadata, timeout=30).case
    assert again.name == created.name
    passed += 1

    def settled():
        case = cases.GetCase(
            case_service_pb.GetCaseRequest(name=created.name), metadata=metadata, timeout=30
        ).case
        return case if case.grade and case.incident and case.owner else None

    case = eventually("graded, owned, with an incident", settled)
    assert case.grade == 1 and "G1.4" in list(case.criterion_ids), case
    passed += 1

    clocks = clock.ListClocks(
        clock_pb.ListClocksRequest(parent="sites/lakeside", case=created.name),
        metadata=metadata,
        timeout=30,
    ).clocks
    assert len(clocks) >= 3, "acknowledge, answer and resolve run"
    passed += 1

    # I10: bad input names its field.
    try:
        cases.CreateCase(
            case_service_pb.CreateCaseRequest(parent="sites/lakeside", case=cases_pb.Case(headcount=-1)),
            metadata=metadata,
            timeout=30,
        )
        raise AssertionError("a headcount of -1 was taken")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        assert "headcount" in error.details(), error.details()
    passed += 1

    # No token, no answer.
    try:
        cases.GetCase(case_service_pb.GetCaseRequest(name=created.name), timeout=30)
        raise AssertionError("a call without a token was answered")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED, error
    passed += 1

    # The same over gRPC-Web.
    web_request = case_service_pb.CreateCaseRequest(
        parent="sites/lakeside",
        request_id=str(uuid.uuid4()),
        case=cases_pb.Case(
            channel=words.CHANNEL_WEB,
            headcount=1,
            complainants=[cases_pb.Complainant(account="web-portal-1")],
            text="楼道灯不亮,请安排维修。",
        ),
    )
    status, data = grpc_web(
        endpoints["intake"], "/redress.intake.v1.CaseService/CreateCase", token, web_request
    )
    assert status == 0, status
    web_case = case_service_pb.CreateCaseResponse.FromString(data).case
    passed += 1

    def web_settled():
        status, data = grpc_web(
            endpoints["intake"],
            "/redress.intake.v1.CaseService/GetCase",
            token,
            case_service_pb.GetCaseRequest(name=web_case.name),
        )
        assert status == 0, status
        case = case_service_pb.GetCaseResponse.FromString(data).case
        return case if case.grade and case.owner else None

    case = eventually("the browser's case is graded and owned", web_settled)
    assert case.grade in (3, 4), case.grade
    passed += 1

    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    main()
