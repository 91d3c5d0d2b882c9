//! Where an answer may go: CloudFormation's own bucket, and nowhere else.
//!
//! Whoever can invoke the function chooses the URL in the event. Only the
//! bucket `cloudformation-custom-resource-response-<region without dashes>`
//! belongs to CloudFormation, in any of the host forms that S3 has.
//! Bucket: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-vpce-bucketnames.html>;
//! host forms: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>.

use std::fmt;
use std::time::{Duration, SystemTime};

use thiserror::Error;
use time::PrimitiveDateTime;
use time::macros::format_description;
use url::{Host, Url, form_urlencoded};

use crate::region::Region;

/// A URL that an answer may be sent to. Its query is a credential, so `Debug`
/// shows the host alone.
#[derive(Clone, Eq, PartialEq)]
pub struct ResponseUrl {
    text: String,
    host: String,
}

/// What a response URL is good for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// CloudFormation's bucket in a known form: work, then answer there.
    Usable(ResponseUrl),
    /// CloudFormation's bucket in a form that we do not know: answer FAILED
    /// there, and do nothing else.
    UnknownForm(ResponseUrl),
}

/// Why nothing may be sent to a URL.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ResponseUrlError {
    /// The event has no `ResponseURL`.
    #[error("`ResponseURL` is missing")]
    Missing,
    /// Not a URL, not https, with user info or a port.
    #[error("`ResponseURL` is not a plain https URL")]
    Malformed,
    /// A well-formed URL elsewhere.
    #[error("`ResponseURL` does not lead to CloudFormation's response bucket of this region")]
    NotTheBucket,
}

impl ResponseUrl {
    /// The URL, byte for byte as CloudFormation signed it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Takes any http or https URL, for local mode.
    ///
    /// # Errors
    /// The text is no such URL.
    pub fn parse_local(text: &str) -> Result<Self, ResponseUrlError> {
        let url = Url::parse(text).map_err(|_| ResponseUrlError::Malformed)?;
        match (url.scheme(), url.host_str()) {
            ("http" | "https", Some(host)) => Ok(Self {
                text: text.to_owned(),
                host: host.to_owned(),
            }),
            _ => Err(ResponseUrlError::Malformed),
        }
    }

    /// Judges a URL by the bucket of `region` under `suffix`, for example
    /// `amazonaws.com`.
    ///
    /// # Errors
    /// Nothing may be sent there.
    pub fn judge(text: &str, region: &Region, suffix: &str) -> Result<Verdict, ResponseUrlError> {
        let url = Url::parse(text).map_err(|_| ResponseUrlError::Malformed)?;
        let plain = url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        let Some(Host::Domain(host)) = url.host().filter(|_| plain) else {
            return Err(ResponseUrlError::Malformed);
        };
        let bucket = format!(
            "cloudformation-custom-resource-response-{}.",
            region.as_str().replace('-', "")
        );
        let form = host
            .strip_prefix(&bucket)
            .and_then(|rest| rest.strip_suffix(suffix))
            .and_then(|rest| rest.strip_suffix('.'))
            .ok_or(ResponseUrlError::NotTheBucket)?;
        let known = [
            "s3".to_owned(),
            format!("s3.{region}"),
            format!("s3-{region}"),
            format!("s3.dualstack.{region}"),
        ];
        if !form.starts_with("s3") || form.contains("accelerate") {
            return Err(ResponseUrlError::NotTheBucket);
        }
        let response_url = Self {
            text: text.to_owned(),
            host: host.to_owned(),
        };
        // A URL that the client would rewrite could not be sent byte for byte.
        if known.iter().any(|known| known == form) && url.as_str() == text {
            Ok(Verdict::Usable(response_url))
        } else {
            Ok(Verdict::UnknownForm(response_url))
        }
    }

    /// Whether the path names this very request, in the one form that was seen so
    /// far: `<stack>|<logical id>|<request>`.
    pub fn is_for(&self, stack_id: &str, logical_id: &str, request_id: &str) -> bool {
        let stack_id = stack_id.replace(':', "%3A");
        let expected = format!("/{stack_id}%7C{logical_id}%7C{request_id}");
        Url::parse(&self.text).is_ok_and(|url| url.path() == expected)
    }

    /// How long ago CloudFormation signed the URL, if the query says so.
    ///
    /// Seen in every URL so far, documented nowhere: so it is only ever a hint.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        const SIGNED_AT: &[time::format_description::BorrowedFormatItem<'_>] =
            format_description!("[year][month][day]T[hour][minute][second]Z");
        let without_fragment = self.text.split('#').next()?;
        let (_, query) = without_fragment.split_once('?')?;
        let mut members = form_urlencoded::parse(query.as_bytes());
        let (_, date) = members.find(|(name, _)| name == "X-Amz-Date")?;
        let signed = PrimitiveDateTime::parse(&date, SIGNED_AT)
            .ok()?
            .assume_utc();
        now.duration_since(signed.into()).ok()
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResponseUrl").field(&self.host).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "arn%3Aaws%3Acloudformation%3Aeu-west-1%3A123456789012%3Astack/a/b%7CAuthomizeIntegration%7Cr?X-Amz-Date=20261124T150000Z&X-Amz-Signature=ab";
    const BUCKET: &str = "cloudformation-custom-resource-response-euwest1";

    fn judge(host: &str) -> Result<Verdict, ResponseUrlError> {
        let region = "eu-west-1".parse().unwrap();
        ResponseUrl::judge(&format!("https://{host}/{PATH}"), &region, "amazonaws.com")
    }

    #[test]
    fn accepts_every_host_form_of_the_bucket() {
        for form in [
            "s3",
            "s3.eu-west-1",
            "s3-eu-west-1",
            "s3.dualstack.eu-west-1",
        ] {
            let verdict = judge(&format!("{BUCKET}.{form}.amazonaws.com"));
            assert!(matches!(verdict, Ok(Verdict::Usable(_))), "{form}");
        }
    }

    /// Case E40: the bucket of each partition.
    #[test]
    fn accepts_the_bucket_of_every_partition() {
        for (region, suffix, bucket) in [
            ("us-east-1", "amazonaws.com", "useast1"),
            ("cn-north-1", "amazonaws.com.cn", "cnnorth1"),
            ("us-gov-west-1", "amazonaws.com", "usgovwest1"),
        ] {
            let url = format!(
                "https://cloudformation-custom-resource-response-{bucket}.s3.{region}.{suffix}/{PATH}"
            );
            let verdict = ResponseUrl::judge(&url, &region.parse().unwrap(), suffix);
            assert!(matches!(verdict, Ok(Verdict::Usable(_))), "{region}");
        }
    }

    #[test]
    fn answers_the_right_bucket_in_an_unknown_form_without_work() {
        let verdict = judge(&format!("{BUCKET}.s3express.eu-west-1.amazonaws.com"));
        assert!(matches!(verdict, Ok(Verdict::UnknownForm(_))));
    }

    #[test]
    fn refuses_every_other_place() {
        for host in [
            "127.0.0.1",
            "example.com",
            "cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
            "cloudformation-custom-resource-response-euwest1.s3.amazonaws.com.example.com",
            "x-cloudformation-custom-resource-response-euwest1.s3.amazonaws.com",
            "cloudformation-custom-resource-response-euwest1.example.amazonaws.com",
            "cloudformation-custom-resource-response-euwest1.s3-accelerate.amazonaws.com",
            "s3.eu-west-1.amazonaws.com/cloudformation-custom-resource-response-euwest1",
            "cloudformation-custom-resource-response-euwest1.s3.amazonaws.com:8443",
            "me@cloudformation-custom-resource-response-euwest1.s3.amazonaws.com",
        ] {
            assert!(judge(host).is_err(), "{host}");
        }
    }

    #[test]
    fn names_the_request_that_it_answers() {
        let Ok(Verdict::Usable(url)) = judge(&format!("{BUCKET}.s3.amazonaws.com")) else {
            panic!("the bucket is usable");
        };
        let stack = "arn:aws:cloudformation:eu-west-1:123456789012:stack/a/b";
        assert!(url.is_for(stack, "AuthomizeIntegration", "r"));
        assert!(!url.is_for(&stack.replace("/b", "/c"), "AuthomizeIntegration", "r"));
        assert!(!url.is_for(stack, "AuthomizeIntegration|r", ""));
        assert!(!url.is_for(stack, "Another", "r"));
        assert!(!url.is_for(stack, "AuthomizeIntegration", "s"));
    }

    #[test]
    fn reads_its_age_from_the_signature() {
        let Ok(Verdict::Usable(url)) = judge(&format!("{BUCKET}.s3.amazonaws.com")) else {
            panic!("the bucket is usable");
        };
        let signed: SystemTime = time::macros::datetime!(2026-11-24 15:00:00 UTC).into();
        assert_eq!(
            url.age(signed + Duration::from_secs(90)),
            Some(Duration::from_secs(90))
        );
        assert_eq!(
            format!("{url:?}"),
            format!("ResponseUrl(\"{BUCKET}.s3.amazonaws.com\")")
        );
    }
}
