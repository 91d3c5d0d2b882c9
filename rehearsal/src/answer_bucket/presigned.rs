//! Response URLs in AWS's shape: made here and verified here.
//!
//! `rehearsal/python/launcher.py` makes the same bytes, and a fixed example
//! is compared on both sides. Only the signature differs from AWS: it is made
//! with the run's own key over method, host, path and query, which is what
//! S3's covers too.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

/// AWS's form of a date and time in a signature, always UTC.
const SIGNATURE_TIME: &[FormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// How long CloudFormation's URLs are good for.
const EXPIRES: Duration = Duration::hours(2);

/// The member of the query that signs all the others.
const SIGNATURE_MEMBER: &str = "&X-Amz-Signature=";

/// The secret of one run that signs its response URLs.
#[derive(Clone, PartialEq, Eq)]
pub struct AnswerKey([u8; 32]);

impl AnswerKey {
    /// A new key for a new run.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        fastrand::fill(&mut bytes);
        Self(bytes)
    }

    /// The key as 64 hex digits, the form the launcher gets it in.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for AnswerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerKey(..)")
    }
}

impl FromStr for AnswerKey {
    type Err = MalformedAnswerKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(MalformedAnswerKey);
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| MalformedAnswerKey)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| MalformedAnswerKey)?;
        }
        Ok(Self(bytes))
    }
}

/// A text that is not the hex form of an [`AnswerKey`].
#[derive(Debug, Error)]
#[error("an answer key is 64 hex digits")]
pub struct MalformedAnswerKey;

/// Why S3 would not take a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Makes and verifies the response URLs of one region.
#[derive(Debug)]
pub(super) struct Presigner {
    key: AnswerKey,
    region: String,
    local: Option<String>,
}

impl Presigner {
    pub(super) fn new(key: AnswerKey, region: &str) -> Self {
        Self {
            key,
            region: region.to_owned(),
            local: None,
        }
    }

    /// One whose URLs lead to a host and port of this machine, without TLS.
    pub(super) fn at(key: AnswerKey, region: &str, host: String) -> Self {
        Self {
            local: Some(host),
            ..Self::new(key, region)
        }
    }

    fn scheme(&self) -> &'static str {
        if self.local.is_some() {
            "http"
        } else {
            "https"
        }
    }

    /// The host of CloudFormation's response bucket for the region.
    pub(super) fn host(&self) -> String {
        if let Some(host) = &self.local {
            return host.clone();
        }
        let label = self.region.replace('-', "");
        let region = &self.region;
        let domain = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        format!("cloudformation-custom-resource-response-{label}.s3.{region}.{domain}")
    }

    pub(super) fn presign(
        &self,
        stack_id: &str,
        logical_id: &str,
        request_id: &str,
        now: OffsetDateTime,
    ) -> String {
        let host = self.host();
        let path = format!(
            "/{}%7C{logical_id}%7C{request_id}",
            percent_encoded(stack_id)
        );
        let date = now
            .format(SIGNATURE_TIME)
            .expect("a UTC date has every component of the form");
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=REHEARSAL%2F{day}%2F{region}%2Fs3%2Faws4_request\
             &X-Amz-Date={date}&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host",
            day = &date[..8],
            region = self.region,
            expires = EXPIRES.whole_seconds(),
        );
        let signature = self.signature(&host, &path, &query);
        format!(
            "{}://{host}{path}?{query}{SIGNATURE_MEMBER}{signature}",
            self.scheme()
        )
    }

    /// Verifies one request as S3 does: what was signed must be what came,
    /// and in time.
    pub(super) fn verify(
        &self,
        method: &str,
        host: &str,
        path: &str,
        query: &str,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let Some((signed, signature)) = query.rsplit_once(SIGNATURE_MEMBER) else {
            return Err(Refusal::new("AccessDenied", "Access Denied"));
        };
        if method != "PUT" || host != self.host() || self.signature(host, path, signed) != signature
        {
            return Err(Refusal::new(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            ));
        }
        let made = signed
            .split('&')
            .find_map(|member| member.strip_prefix("X-Amz-Date="))
            .and_then(|date| PrimitiveDateTime::parse(date, SIGNATURE_TIME).ok());
        match made {
            Some(made) if now <= made.assume_utc() + EXPIRES => Ok(()),
            _ => Err(Refusal::new("AccessDenied", "Request has expired")),
        }
    }

    fn signature(&self, host: &str, path: &str, query: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key.0).expect("HMAC takes a key of any length");
        mac.update(format!("PUT\n{host}\n{path}\n{query}").as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

/// The stack and the request that a path of the bucket names.
pub(super) fn names_in(path: &str) -> Option<(String, String)> {
    let mut parts = path.strip_prefix('/')?.split("%7C");
    let (stack_id, _logical_id, request_id) = (parts.next()?, parts.next()?, parts.next()?);
    Some((stack_id.replace("%3A", ":"), request_id.to_owned()))
}

fn percent_encoded(stack_id: &str) -> String {
    let mut encoded = String::with_capacity(stack_id.len() + 16);
    for byte in stack_id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("writing to a string does not fail"),
        }
    }
    encoded
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/Authomize-Trust-Role/\
                         5b6f1c1e-0000-4000-8000-0123456789ab";
    const REQUEST: &str = "7d1f2f0e-1111-4222-8333-444455556666";
    const HOST: &str = "cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com";

    fn presigner() -> Presigner {
        let key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        Presigner::new(key.parse().unwrap(), "us-east-1")
    }

    fn example() -> String {
        presigner().presign(
            STACK,
            "AuthomizeIntegration",
            REQUEST,
            datetime!(2024-05-06 07:08:09 UTC),
        )
    }

    fn parts(url: &str) -> (String, String) {
        let rest = url.strip_prefix(&format!("https://{HOST}")).unwrap();
        let (path, query) = rest.split_once('?').unwrap();
        (path.to_owned(), query.to_owned())
    }

    #[test]
    fn makes_the_bytes_that_the_launcher_makes() {
        assert_eq!(example(), EXAMPLE);
    }

    #[test]
    fn believes_its_own_url_until_it_expires() {
        let (path, query) = parts(&example());
        let verify = |now| presigner().verify("PUT", HOST, &path, &query, now);
        assert_eq!(verify(datetime!(2024-05-06 07:08:10 UTC)), Ok(()));
        assert_eq!(
            verify(datetime!(2024-05-06 09:08:10 UTC))
                .unwrap_err()
                .message,
            "Request has expired"
        );
    }

    #[test]
    fn refuses_whatever_was_altered() {
        let (path, query) = parts(&example());
        let now = datetime!(2024-05-06 07:08:10 UTC);
        let refused = |method: &str, host: &str, path: &str, query: &str| {
            presigner()
                .verify(method, host, path, query, now)
                .unwrap_err()
                .code
        };
        let mismatch = "SignatureDoesNotMatch";
        assert_eq!(refused("POST", HOST, &path, &query), mismatch);
        assert_eq!(refused("PUT", "example.com", &path, &query), mismatch);
        assert_eq!(
            refused("PUT", HOST, &path.replace("%3A", ":"), &query),
            mismatch
        );
        let longer = query.replace("7200", "7201");
        assert_eq!(refused("PUT", HOST, &path, &longer), mismatch);
        assert_eq!(refused("PUT", HOST, &path, "x=y"), "AccessDenied");
    }

    #[test]
    fn names_the_stack_and_the_request_of_a_path() {
        let (path, _) = parts(&example());
        let names = names_in(&path).unwrap();
        assert_eq!(names, (STACK.to_owned(), REQUEST.to_owned()));
    }

    const EXAMPLE: &str = "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/arn%3Aaws%3Acloudformation%3Aus-east-1%3A123456789012%3Astack/Authomize-Trust-Role/5b6f1c1e-0000-4000-8000-0123456789ab%7CAuthomizeIntegration%7C7d1f2f0e-1111-4222-8333-444455556666?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=REHEARSAL%2F20240506%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20240506T070809Z&X-Amz-Expires=7200&X-Amz-SignedHeaders=host&X-Amz-Signature=4c9eb02473afb238fec6c722af7ef4320911f99985c11b8e03fd44bb9a11c9fe";
}
