//! As much of HTTP/1.1 as a load generator must read of an answer: its status and where it ends.

/// What the bytes that have arrived so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// The beginning of an answer.
    Part,
    /// A whole answer.
    Whole {
        /// Its status.
        status: u16,
        /// Its bytes, head and body.
        length: usize,
    },
    /// Nothing that this reader understands: no status line, or no `Content-Length`.
    Foreign,
}

/// Reads the answer at the beginning of `bytes`.
pub(crate) fn read(bytes: &[u8]) -> Arrived {
    let mut rest = bytes;
    let Some(status_line) = line(&mut rest) else { return Arrived::Part };
    let Some(status) = status_of(status_line) else { return Arrived::Foreign };
    let mut content_length = None;
    loop {
        let Some(header) = line(&mut rest) else { return Arrived::Part };
        if header.is_empty() {
            break;
        }
        content_length = content_length.or_else(|| length_of(header));
    }
    let Some(body) = content_length else { return Arrived::Foreign };
    if rest.len() < body {
        return Arrived::Part;
    }
    Arrived::Whole { status, length: bytes.len() - rest.len() + body }
}

/// The next line without its end, which is taken off `rest`.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr(b'\n', rest)?;
    let (line, after) = rest.split_at(end);
    *rest = &after[1..];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The status of `HTTP/1.1 200 OK`.
fn status_of(line: &[u8]) -> Option<u16> {
    let digits = line.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    number(digits).and_then(|status| u16::try_from(status).ok())
}

/// The value of a `Content-Length` line.
fn length_of(header: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let (name, value) = header.split_at_checked(NAME.len())?;
    if !name.eq_ignore_ascii_case(NAME) {
        return None;
    }
    number(value.trim_ascii())
}

/// A decimal number of at most nine digits.
fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &str, expected: Arrived) {
        assert_eq!(read(bytes.as_bytes()), expected, "{bytes:?}");
    }

    #[test]
    fn answers() {
        let whole = |status, length| Arrived::Whole { status, length };
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", whole(200, 40));
        check("HTTP/1.1 200 OK\r\ndate: x\r\ncontent-length:2\r\nx: y\r\n\r\n{}", whole(200, 54));
        check("HTTP/1.1 404 Not Found\r\nCONTENT-LENGTH:  0 \r\n\r\n", whole(404, 47));
        check("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 ", whole(200, 37));
        // The first one counts; a name that only begins alike does not.
        check(
            "HTTP/1.1 200 OK\r\nContent-Lengths: 9\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
            whole(200, 78),
        );

        check("", Arrived::Part);
        check("HTTP/1.1 200 OK", Arrived::Part);
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", Arrived::Part);
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", Arrived::Part);

        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Arrived::Foreign);
        check("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Arrived::Foreign);
        check("HTTP/1.1 200 OK\r\nContent-Length: 1234567890\r\n\r\n", Arrived::Foreign);
        check("HTTP/1.0 200 OK\r\n", Arrived::Foreign);
        check("HTTP/1.1 2x0 OK\r\n", Arrived::Foreign);
        check("nonsense\r\n", Arrived::Foreign);
    }

    #[test]
    fn every_beginning_of_an_answer_is_a_part_of_it() {
        let answer = b"HTTP/1.1 200 OK\r\nRequest-Id: req_1\r\nContent-Length: 5\r\n\r\n\r\n\r\n\n";
        for end in 0..answer.len() {
            assert_eq!(read(&answer[..end]), Arrived::Part, "{end}");
        }
        assert_eq!(read(answer), Arrived::Whole { status: 200, length: answer.len() });
    }
}
