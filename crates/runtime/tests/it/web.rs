//! gRPC-Web from a page, as a browser sends it.

use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::support::Running;

const PORTAL: &str = "https://portal.example.com";

async fn send(request: Request<Full<tonic::codegen::Bytes>>) -> Response<tonic::codegen::Bytes> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = client
        .request(request)
        .await
        .expect("answered")
        .into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    Response::from_parts(parts, bytes)
}

fn request(running: &Running, method: Method, origin: &str) -> http::request::Builder {
    let path = "redress.event.v1.EventAdminService/ListParkedEvents";
    Request::builder()
        .method(method)
        .uri(format!("http://{}/{path}", running.handle.address()))
        .header("origin", origin)
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_calls_over_http_1() {
    let running = Running::start(&format!("[server]\ncors_origins = [{PORTAL:?}]")).await;

    let preflight = request(&running, Method::OPTIONS, PORTAL)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,x-grpc-web")
        .body(Full::default())
        .expect("a request");
    let answer = send(preflight).await;
    assert_eq!(answer.headers()["access-control-allow-origin"], PORTAL);

    let token = running.keys.token(&["sre"]);
    let call = request(&running, Method::POST, PORTAL)
        .header("content-type", "application/grpc-web+proto")
        .header("x-grpc-web", "1")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::from(vec![0_u8; 5]))
        .expect("a request");
    let answer = send(call).await;
    assert_eq!(answer.headers()["access-control-allow-origin"], PORTAL);
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    assert!(text.contains("grpc-status:0"), "{text:?}");
    running.end().await;
}

#[tokio::test]
async fn a_page_of_another_origin_is_not_allowed() {
    let running = Running::start(&format!("[server]\ncors_origins = [{PORTAL:?}]")).await;
    let preflight = request(&running, Method::OPTIONS, "https://elsewhere.example")
        .header("access-control-request-method", "POST")
        .body(Full::default())
        .expect("a request");
    let answer = send(preflight).await;
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    running.end().await;
}
