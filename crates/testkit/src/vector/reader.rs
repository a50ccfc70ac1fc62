//! Reads a case file line by line.

use super::{
    Case, CaseFile, ErrorBody, Every, Exchange, Expected, ExpectedBody, ExpectedHeader, Misread, RequestHeader, Signed,
    Step, What,
};
use crate::world::Cast;

/// Where the reader is inside a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Outside,
    RequestHead,
    RequestBody,
    AnswerHead,
    AnswerBody,
}

#[derive(Default)]
pub(super) struct Reader {
    file: String,
    line: usize,
    done: CaseFile,
    every: Option<Every>,
    case: Option<Case>,
    cast: Cast,
    caller: String,
    name: Option<String>,
    admin: bool,
    times: Option<usize>,
    concurrent: bool,
    exchange: Option<(usize, Exchange)>,
    part: Part,
}

impl Reader {
    /// A reader of the file of that name.
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    /// Reads a whole file.
    pub(super) fn read_all(mut self, text: &str) -> Result<CaseFile, Misread> {
        for (index, line) in text.lines().enumerate() {
            self.line = index + 1;
            self.read(line).map_err(|why| Misread { line: index + 1, why })?;
        }
        self.end_step().and_then(|()| self.end_case()).map_err(|why| Misread { line: self.line, why })?;
        Ok(self.done)
    }

    fn read(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix('>') {
            return self.request(rest.strip_prefix(' ').unwrap_or(rest));
        }
        if let Some(rest) = line.strip_prefix('<') {
            return self.answer(rest.strip_prefix(' ').unwrap_or(rest));
        }
        if line.starts_with("  ") && self.exchange.is_none() {
            let case = self.case.as_mut().ok_or("nothing to continue here")?;
            case.why.push(' ');
            case.why.push_str(line.trim());
            return Ok(());
        }
        self.end_step()?;
        let (key, value) = line.split_once(':').ok_or("neither `key: value` nor a line of a request or an answer")?;
        self.key(key, value.trim())
    }

    fn key(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "cast" => {
                self.end_case()?;
                self.cast = Cast::named(value).ok_or("no such cast")?;
                return Ok(());
            }
            "every" => {
                self.end_case()?;
                let method = (value != "answer").then(|| value.to_owned());
                self.every = Some(Every { method, headers: Vec::new() });
                return Ok(());
            }
            "case" => {
                self.end_case()?;
                let (file, line) = (self.file.clone(), self.line);
                self.case = Some(Case { file, line, cast: self.cast, title: value.to_owned(), ..Case::default() });
                "backend".clone_into(&mut self.caller);
                return Ok(());
            }
            _ => {}
        }
        let case = self.case.as_mut().ok_or("outside a case")?;
        let what = match key {
            "rules" => {
                case.rules = value.split_whitespace().map(str::to_owned).collect();
                return Ok(());
            }
            "why" => {
                value.clone_into(&mut case.why);
                return Ok(());
            }
            "as" => {
                value.clone_into(&mut self.caller);
                return Ok(());
            }
            "step" | "to" | "times" | "concurrent" => return self.before_request(key, value),
            _ => what(key, value)?,
        };
        case.steps.push(Step { line: self.line, what });
        Ok(())
    }

    /// What a line says of the request behind it.
    fn before_request(&mut self, key: &str, value: &str) -> Result<(), String> {
        match (key, value) {
            ("step", _) => self.name = Some(value.to_owned()),
            ("to", "admin") => self.admin = true,
            ("to", _) => return Err("only `to: admin`".to_owned()),
            _ => {
                self.times = Some(value.parse().map_err(|_| "not a number")?);
                self.concurrent = key == "concurrent";
            }
        }
        Ok(())
    }

    fn request(&mut self, text: &str) -> Result<(), String> {
        if matches!(self.part, Part::Outside | Part::AnswerHead | Part::AnswerBody) {
            self.end_step()?;
            return self.request_line(text);
        }
        let (_, exchange) = self.exchange.as_mut().ok_or("no request line yet")?;
        if self.part == Part::RequestBody {
            exchange.body.push_str(text);
        } else if text.is_empty() {
            self.part = Part::RequestBody;
        } else if let Some(name) = text.strip_prefix('!') {
            exchange.headers.push(RequestHeader::Omit(name.to_owned()));
        } else {
            let (name, value) = text.split_once(':').ok_or("a header line is `Name: value`")?;
            exchange.headers.push(RequestHeader::Send(name.to_owned(), value.trim_start().to_owned()));
        }
        Ok(())
    }

    fn request_line(&mut self, text: &str) -> Result<(), String> {
        let mut words = text.splitn(3, ' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err("a request line is `METHOD target [body]`".to_owned());
        };
        let exchange = Exchange {
            name: self.name.take(),
            admin: std::mem::take(&mut self.admin),
            caller: self.caller.clone(),
            times: self.times.take().unwrap_or(1),
            concurrent: std::mem::take(&mut self.concurrent),
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: words.next().unwrap_or_default().to_owned(),
            expected: Expected::default(),
        };
        self.exchange = Some((self.line, exchange));
        self.part = Part::RequestHead;
        Ok(())
    }

    fn answer(&mut self, text: &str) -> Result<(), String> {
        if let Some(every) = &mut self.every {
            every.headers.push(expected_header(text)?);
            return Ok(());
        }
        let (_, exchange) = self.exchange.as_mut().ok_or("an answer without a request")?;
        let expected = &mut exchange.expected;
        match self.part {
            Part::RequestHead | Part::RequestBody if text == "100" => expected.interim = true,
            Part::RequestHead | Part::RequestBody => {
                status_line(expected, text)?;
                self.part = Part::AnswerHead;
            }
            Part::AnswerBody => {
                if let ExpectedBody::Exact(body) = &mut expected.body {
                    body.push_str(text);
                    body.push('\n');
                }
            }
            Part::AnswerHead if text.is_empty() => {
                if !matches!(expected.body, ExpectedBody::Unchecked) {
                    return Err("a body stands on the status line already".to_owned());
                }
                expected.body = ExpectedBody::Exact(String::new());
                self.part = Part::AnswerBody;
            }
            Part::AnswerHead | Part::Outside => {
                if text == "alike" {
                    expected.alike = true;
                } else if let Some(text) = text.strip_prefix("member ") {
                    expected.members.push(text.to_owned());
                } else if let Some(text) = text.strip_prefix("with ") {
                    expected.with.push(text.to_owned());
                } else if let Some(text) = text.strip_prefix("without ") {
                    expected.without.push(text.to_owned());
                } else {
                    expected.headers.push(expected_header(text)?);
                }
            }
        }
        Ok(())
    }

    fn end_step(&mut self) -> Result<(), String> {
        self.part = Part::Outside;
        let Some((line, exchange)) = self.exchange.take() else { return Ok(()) };
        if exchange.expected.statuses.is_empty() {
            return Err(format!("the request of line {line} has no answer"));
        }
        let case = self.case.as_mut().ok_or("a request outside a case")?;
        case.steps.push(Step { line, what: What::Exchange(Box::new(exchange)) });
        Ok(())
    }

    fn end_case(&mut self) -> Result<(), String> {
        self.done.every.extend(self.every.take());
        let Some(case) = self.case.take() else { return Ok(()) };
        if case.rules.is_empty() || case.steps.is_empty() {
            return Err(format!("the case of line {} names no rule or does nothing", case.line));
        }
        self.done.cases.push(case);
        Ok(())
    }
}

/// A step that is no request.
fn what(key: &str, value: &str) -> Result<What, String> {
    Ok(match key {
        "clock" => What::Clock(value.to_owned()),
        "reset" => What::Reset,
        "let" => {
            let (name, value) = value.split_once(" = ").ok_or("`let: name = value`")?;
            What::Let(name.to_owned(), value.to_owned())
        }
        "same" | "different" => {
            let (left, right) = value.split_once(' ').ok_or("two names")?;
            let kind = if key == "same" { What::Same } else { What::Different };
            kind(left.to_owned(), right.to_owned())
        }
        "signed" => {
            let words: Vec<_> = value.splitn(4, ' ').map(str::to_owned).collect();
            let [secret, time, signature, text] = words.try_into().map_err(|_| "`signed: SECRET T V1 TEXT`")?;
            What::Signed(Signed { secret, time, signature, text })
        }
        _ => return Err(format!("unknown key `{key}`")),
    })
}

fn expected_header(text: &str) -> Result<ExpectedHeader, String> {
    if let Some(name) = text.strip_prefix('!') {
        return Ok(ExpectedHeader::Absent(name.to_owned()));
    }
    let (name, value) = text.split_once(':').ok_or("an expected header is `Name: value`, `Name: [any]` or `!Name`")?;
    Ok(match value.trim() {
        "[any]" => ExpectedHeader::Present(name.to_owned()),
        value => ExpectedHeader::Value(name.to_owned(), value.to_owned()),
    })
}

/// `200`, `200 {json}`, `200 signature TEXT`, `400 code=… param=… | message`, `200*10 400*54`, or `200/409*16`.
fn status_line(expected: &mut Expected, text: &str) -> Result<(), String> {
    let (status, rest) = text.split_once(' ').unwrap_or((text, ""));
    if status.contains('*') {
        for part in text.split(' ') {
            let (statuses, count) = part.split_once('*').ok_or("`STATUS*COUNT`")?;
            let statuses = statuses.split('/').map(number).collect::<Result<_, _>>()?;
            expected.statuses.push((statuses, count.parse().map_err(|_| "not a count")?));
        }
        return Ok(());
    }
    expected.statuses.push((vec![number(status)?], 1));
    if rest.is_empty() {
        return Ok(());
    }
    expected.body = if rest.starts_with('{') {
        ExpectedBody::Json(rest.to_owned())
    } else if let Some(text) = rest.strip_prefix("signature ") {
        ExpectedBody::Signature(text.to_owned())
    } else {
        ExpectedBody::Error(error_body(rest)?)
    };
    Ok(())
}

fn number(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("`{text}` is no status"))
}

fn error_body(text: &str) -> Result<ErrorBody, String> {
    let (attributes, message) = match text.strip_prefix("| ") {
        Some(message) => ("", message),
        None => text.split_once(" | ").ok_or("an error is `type=… code=… param=… | message`")?,
    };
    let mut body = ErrorBody { message: message.to_owned(), ..ErrorBody::default() };
    for attribute in attributes.split_whitespace() {
        let (name, value) = attribute.split_once('=').ok_or("`name=value`")?;
        let slot = match name {
            "type" => &mut body.kind,
            "code" => &mut body.code,
            "param" => &mut body.param,
            _ => return Err(format!("an error has no `{name}`")),
        };
        *slot = Some(value.to_owned());
    }
    Ok(body)
}
