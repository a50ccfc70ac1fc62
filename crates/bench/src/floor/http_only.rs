//! Floor F1h: hyper and one fixed secret. What HTTP alone costs.

use std::path::Path;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;

use crate::world::SECRET_KEY;

/// A secret with its payload: 340 bytes, as every answer of this floor.
const SECRET: &[u8; 340] = b"{
  \"id\": \"appsecret_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",
  \"object\": \"apps.secret\",
  \"created\": 1956528000,
  \"expires_at\": null,
  \"livemode\": false,
  \"name\": \"refresh_token_0\",
  \"payload\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",
  \"scope\": {
    \"type\": \"user\",
    \"user\": \"usr_0000u00_AAAAAAAAAAA\"
  }
}
";

/// Runs the floor. Returns only on failure.
///
/// # Errors
/// When the port or the ready file cannot be had.
pub(crate) fn run(ready_file: &Path) -> Result<()> {
    super::serve(ready_file, |request| std::future::ready(Ok(answer(&request))))
}

fn answer<B>(request: &Request<B>) -> Response<Full<Bytes>> {
    if !request.uri().path().starts_with("/v1/apps/secrets/find") {
        return super::json(StatusCode::NOT_FOUND, Bytes::new());
    }
    if super::bearer(request.headers()) != Some(SECRET_KEY.as_bytes()) {
        return super::json(StatusCode::UNAUTHORIZED, Bytes::new());
    }
    super::json(StatusCode::OK, Bytes::from_static(SECRET))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, authorization: &str, expected: u16) {
        let request = Request::get(path).header("Authorization", authorization).body(()).unwrap();
        assert_eq!(answer(&request).status(), expected, "{path} {authorization}");
    }

    #[test]
    fn it_looks_at_the_path_and_the_key() {
        check("/v1/apps/secrets/find?name=x", &format!("Bearer {SECRET_KEY}"), 200);
        check("/v1/apps/secrets/find?name=x", "Bearer sk_test_other", 401);
        check("/v1/apps/secrets/find?name=x", SECRET_KEY, 401);
        check("/v1/apps/secrets", &format!("Bearer {SECRET_KEY}"), 404);
    }

    #[test]
    fn its_answer_is_a_secret() {
        let secret: serde_json::Value = serde_json::from_slice(SECRET).unwrap();
        assert_eq!(secret["object"], "apps.secret");
    }
}
