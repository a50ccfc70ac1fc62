//! The URL of a webhook endpoint, taken apart.

use std::net::{IpAddr, SocketAddr};

use cholla_domain::limits::WEBHOOK_URL_BYTES_MAX;
use http::Uri;
use rustls::pki_types::{DnsName, ServerName};
use thiserror::Error;

/// Where a webhook goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Whether over TLS.
    pub(crate) tls: bool,
    /// To whom, as certificates name it.
    pub(crate) host: ServerName<'static>,
    /// On which port.
    pub(crate) port: u16,
    /// `Host` of the request.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
}

/// Why a text is not the URL of an endpoint. Never shows the text: a query may hold a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TargetError {
    /// It is longer than [`WEBHOOK_URL_BYTES_MAX`].
    #[error("the URL is longer than {WEBHOOK_URL_BYTES_MAX} bytes")]
    TooLong,
    /// It is not a URL, or holds what a URL has to encode.
    #[error("not a URL; write `https://HOST/PATH`, with everything but ASCII percent-encoded")]
    NotUrl,
    /// It begins with neither `http:` nor `https:`.
    #[error("the URL begins with neither `https://` nor `http://`")]
    Scheme,
    /// The part between `//` and the path is more than a legal host and a port.
    #[error("the URL has no legal host and port; user names and passwords are not taken")]
    Host,
    /// It has a fragment, which no server is ever sent.
    #[error("the URL has a fragment (`#`), which is never sent; remove it")]
    Fragment,
}

impl Target {
    /// Takes `url` apart.
    ///
    /// # Errors
    /// When it is not `http` or `https` with a host, an optional port, path and query, and nothing else.
    pub(crate) fn parse(url: &str) -> Result<Self, TargetError> {
        if url.len() > WEBHOOK_URL_BYTES_MAX {
            return Err(TargetError::TooLong);
        }
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TargetError::NotUrl);
        }
        if url.contains('#') {
            return Err(TargetError::Fragment);
        }
        let uri: Uri = url.parse().map_err(|_| TargetError::NotUrl)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(TargetError::Scheme),
        };
        let usual_port = if tls { 443 } else { 80 };
        let (host, port) = (uri.host().ok_or(TargetError::Host)?, uri.port_u16());
        // The parser knows other things that may stand here, or leaves them out: they must not be there.
        let whole = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        if uri.authority().is_none_or(|authority| authority.as_str() != whole) || port == Some(0) {
            return Err(TargetError::Host);
        }
        let port = port.unwrap_or(usual_port);
        let authority = if port == usual_port { host.to_owned() } else { whole };
        let path = uri.query().map_or_else(|| uri.path().to_owned(), |query| format!("{}?{query}", uri.path()));
        Ok(Self { tls, host: server_name(host)?, port, authority, path })
    }

    /// Every address of the host, in the order in which the system would use them.
    ///
    /// # Errors
    /// When the name cannot be resolved.
    pub(crate) async fn resolve(&self) -> std::io::Result<Vec<SocketAddr>> {
        match &self.host {
            ServerName::IpAddress(address) => Ok(vec![SocketAddr::new(IpAddr::from(*address), self.port)]),
            ServerName::DnsName(name) => Ok(tokio::net::lookup_host((name.as_ref(), self.port)).await?.collect()),
            _ => Err(std::io::Error::other("neither a name nor an address")),
        }
    }
}

fn server_name(host: &str) -> Result<ServerName<'static>, TargetError> {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let address: std::net::Ipv6Addr = address.parse().map_err(|_| TargetError::Host)?;
        return Ok(ServerName::IpAddress(IpAddr::V6(address).into()));
    }
    if let Ok(address) = host.parse::<std::net::Ipv4Addr>() {
        return Ok(ServerName::IpAddress(IpAddr::V4(address).into()));
    }
    let name = DnsName::try_from(host.to_owned()).map_err(|_| TargetError::Host)?;
    Ok(ServerName::DnsName(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, tls, host, port, authority, path) in [
            ("https://example.com", true, "example.com", 443, "example.com", "/"),
            ("https://example.com/", true, "example.com", 443, "example.com", "/"),
            ("http://example.com/a/b?c=d&e", false, "example.com", 80, "example.com", "/a/b?c=d&e"),
            ("https://example.com?c=%20", true, "example.com", 443, "example.com", "/?c=%20"),
            ("https://example.com:443/a", true, "example.com", 443, "example.com", "/a"),
            ("http://example.com:443/a", false, "example.com", 443, "example.com:443", "/a"),
            ("https://example.com:8443/a", true, "example.com", 8443, "example.com:8443", "/a"),
            ("http://127.0.0.1:9000/hook", false, "127.0.0.1", 9000, "127.0.0.1:9000", "/hook"),
            ("http://[::1]:9000/hook", false, "::1", 9000, "[::1]:9000", "/hook"),
            ("https://[2001:db8::1]/", true, "2001:db8::1", 443, "[2001:db8::1]", "/"),
            ("http://localhost:1", false, "localhost", 1, "localhost:1", "/"),
            ("https://my_service.internal/a", true, "my_service.internal", 443, "my_service.internal", "/a"),
            ("https://example.com//a//", true, "example.com", 443, "example.com", "//a//"),
        ] {
            let target = Target::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            let actual = (target.tls, target.host.to_str(), target.port, &*target.authority, &*target.path);
            assert_eq!(actual, (tls, host.into(), port, authority, path), "{url}");
        }
    }

    #[test]
    fn what_is_not_the_url_of_an_endpoint() {
        use TargetError::{Fragment, Host, NotUrl, Scheme, TooLong};
        let long = format!("https://example.com/{}", "a".repeat(WEBHOOK_URL_BYTES_MAX));
        for (url, expected) in [
            (&*long, TooLong),
            ("", NotUrl),
            ("https://", NotUrl),
            ("https:///a", NotUrl),
            ("https://example.com/a b", NotUrl),
            (" https://example.com", NotUrl),
            ("https://example.com/\n", NotUrl),
            ("https://bücher.example/", NotUrl),
            ("https://example.com/ü", NotUrl),
            ("https://[::1", NotUrl),
            ("example.com", Scheme),
            ("/hook", Scheme),
            ("ftp://example.com/", Scheme),
            ("wss://example.com/", Scheme),
            ("unix://example.com/", Scheme),
            ("https://example.com/#a", Fragment),
            ("https://user@example.com/", Host),
            ("https://user:password@example.com/", Host),
            ("https://@example.com/", Host),
            ("https://example.com:/", Host),
            ("https://example.com:0/", Host),
            ("https://example.com:99999/", Host),
            ("https://example.com:00443/", Host),
            ("https://.example.com/", Host),
            ("https://-/", Host),
            ("https://[fe80::1%25eth0]/", Host),
        ] {
            assert_eq!(Target::parse(url), Err(expected), "{url}");
        }
    }
}
