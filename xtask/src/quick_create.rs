//! The link that opens the console with the stack filled in, as the vendor's button does.
//!
//! The form is documented as ["quick-create links"]. Everything that is filled in stands
//! behind the `#`, so that no server sees the external id. Secrets cannot be filled in:
//! the console ignores parameters with `NoEcho`.
//!
//! ["quick-create links"]: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;
use url::Url;

use crate::region::{Partition, Region};

/// The stack's name, as the vendor's button has it.
pub const STACK_NAME: &str = "Authomize-Trust-Role";

/// All but what RFC 3986 calls unreserved. A `+` above all: it would arrive as a space.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// As long as every sender and recipient of a URL should allow: RFC 9110, section 4.1.
const LONGEST: usize = 8000;

/// What the console's form shows when it opens.
#[derive(Debug)]
pub struct QuickCreate<'a> {
    /// Where the stack is made.
    pub region: &'a Region,
    /// The template in S3, by https.
    pub template_url: &'a Url,
    /// Issued by Authomize, one for each customer. Without it the form asks for it.
    pub external_id: Option<&'a str>,
    /// Whether this is the management account, with IAM Identity Center.
    pub identity_center: bool,
    /// The principal of Authomize; given outside the partition `aws`, and only there.
    pub principal_arn: Option<&'a str>,
}

/// Why there is no link.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum QuickCreateError {
    /// The template would refuse it.
    #[error(
        "the external id has a character or a length that the template refuses; accepted are 2 to 1224 letters, digits and + = , . @ : / _ -"
    )]
    ExternalId,
    /// CloudFormation reads templates from S3 only.
    #[error(
        "CloudFormation reads no template from `{0}`; accepted is https and a bucket of S3 in the region's partition"
    )]
    TemplateUrl(String),
    /// The template requires it there.
    #[error("in {0} the template needs the principal of Authomize: give --principal-arn")]
    NoPrincipal(Region),
    /// The template does not look at it there.
    #[error("in {0} the principal of Authomize is the published one: leave --principal-arn out")]
    NeedlessPrincipal(Region),
    /// Browsers and proxies may cut it off.
    #[error("the link would have {0} characters, and more than 8000 are not safe everywhere")]
    TooLong(usize),
}

/// The link.
///
/// # Errors
/// What is filled in would be refused by the template or by CloudFormation, or the link
/// is too long to be safe.
pub fn link(form: &QuickCreate<'_>) -> Result<String, QuickCreateError> {
    if form.external_id.is_some_and(|id| !is_external_id(id)) {
        return Err(QuickCreateError::ExternalId);
    }
    if !is_in_s3(form.template_url, form.region.partition()) {
        return Err(QuickCreateError::TemplateUrl(form.template_url.to_string()));
    }
    let published = form.region.partition() == Partition::Commercial;
    match form.principal_arn {
        None if !published => return Err(QuickCreateError::NoPrincipal(form.region.clone())),
        Some(_) if published => {
            return Err(QuickCreateError::NeedlessPrincipal(form.region.clone()));
        }
        _ => {}
    }
    let identity_center = form.identity_center.to_string();
    let mut filled = vec![
        ("templateURL", form.template_url.as_str()),
        ("stackName", STACK_NAME),
    ];
    filled.extend(form.external_id.map(|id| ("param_ExternalID", id)));
    filled.push(("param_IncludeAWSIdentityCenter", &identity_center));
    filled.extend(
        form.principal_arn
            .map(|arn| ("param_AuthomizePrincipalArn", arn)),
    );
    let filled: Vec<String> = filled
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)))
        .collect();
    let link = format!(
        "https://{}/cloudformation/home?region={}#/stacks/create/review?{}",
        form.region.console_host(),
        form.region,
        filled.join("&")
    );
    if link.len() > LONGEST {
        return Err(QuickCreateError::TooLong(link.len()));
    }
    Ok(link)
}

/// Whether the template's `AllowedPattern` for `ExternalID` accepts it.
fn is_external_id(text: &str) -> bool {
    let accepted = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@:/_-".contains(&byte);
    (2..=1224).contains(&text.len()) && text.bytes().all(accepted)
}

fn is_in_s3(url: &Url, partition: Partition) -> bool {
    let suffix = match partition {
        Partition::Commercial | Partition::GovCloud => ".amazonaws.com",
        Partition::China => ".amazonaws.com.cn",
    };
    let host = url.host_str().unwrap_or_default();
    let of_s3 = host
        .strip_suffix(suffix)
        .is_some_and(|front| front.split('.').any(|label| label == "s3"));
    url.scheme() == "https" && of_s3 && url.port().is_none() && url.username().is_empty()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const TEMPLATE: &str = "https://bucket.s3.us-east-1.amazonaws.com/a/1.0.0/0f/template.yaml";
    const TEMPLATE_IN_CHINA: &str = "https://bucket.s3.cn-north-1.amazonaws.com.cn/template.yaml";
    const PRINCIPAL: &str = "arn:aws-cn:iam::123456789012:user/vendors/Authomize";

    fn made(
        region: &str,
        template: &str,
        external_id: &str,
        principal: Option<&str>,
    ) -> Result<String, QuickCreateError> {
        link(&QuickCreate {
            region: &region.parse().unwrap(),
            template_url: &template.parse().unwrap(),
            external_id: Some(external_id),
            identity_center: false,
            principal_arn: principal,
        })
    }

    /// What the console reads behind the second `?`.
    fn filled(link: &str) -> BTreeMap<String, String> {
        let fragment = Url::parse(link).unwrap().fragment().unwrap().to_owned();
        let filled = fragment.strip_prefix("/stacks/create/review?").unwrap();
        url::form_urlencoded::parse(filled.as_bytes())
            .into_owned()
            .collect()
    }

    fn template() -> serde_yaml_ng::Value {
        serde_yaml_ng::from_str(include_str!("../../template.yaml")).unwrap()
    }

    #[test]
    fn opens_the_review_with_everything_filled_in() {
        assert_eq!(
            made("us-east-1", TEMPLATE, "0123-abcd", None).unwrap(),
            "https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1\
             #/stacks/create/review\
             ?templateURL=https%3A%2F%2Fbucket.s3.us-east-1.amazonaws.com%2Fa%2F1.0.0%2F0f%2Ftemplate.yaml\
             &stackName=Authomize-Trust-Role\
             &param_ExternalID=0123-abcd\
             &param_IncludeAWSIdentityCenter=false"
        );
    }

    #[test]
    fn leaves_the_external_id_to_the_form_where_it_is_for_everybody() {
        let link = link(&QuickCreate {
            region: &"us-east-1".parse().unwrap(),
            template_url: &TEMPLATE.parse().unwrap(),
            external_id: None,
            identity_center: false,
            principal_arn: None,
        });
        let filled = filled(&link.unwrap());
        assert!(!filled.contains_key("param_ExternalID"));
        assert_eq!(filled["stackName"], STACK_NAME);
    }

    #[test]
    fn every_character_of_an_external_id_arrives_as_it_is() {
        let all: String = ('!'..='~')
            .filter(|c| is_external_id(&format!("{c}{c}")))
            .collect();
        assert!(all.contains("+") && all.contains("="), "{all}");
        let link = made("us-east-1", TEMPLATE, &all, None).unwrap();
        assert_eq!(filled(&link)["param_ExternalID"], all);
    }

    #[test]
    fn only_what_the_template_accepts_is_an_external_id() {
        let pattern = &template()["Parameters"]["ExternalID"]["AllowedPattern"];
        assert_eq!(pattern, "[A-Za-z0-9+=,.@:/_-]{2,1224}");
        for refused in ["", "a", "a b", "a&b=c", "a#b", "é1", &"a".repeat(1225)] {
            let link = made("us-east-1", TEMPLATE, refused, None);
            assert_eq!(link, Err(QuickCreateError::ExternalId), "{refused}");
        }
    }

    #[test]
    fn fills_in_parameters_that_the_template_has() {
        let template = template();
        let link = made("cn-north-1", TEMPLATE_IN_CHINA, "abc", Some(PRINCIPAL)).unwrap();
        let parameters: Vec<String> = filled(&link)
            .into_keys()
            .filter_map(|name| name.strip_prefix("param_").map(str::to_owned))
            .collect();
        assert_eq!(
            parameters,
            [
                "AuthomizePrincipalArn",
                "ExternalID",
                "IncludeAWSIdentityCenter"
            ]
        );
        for name in parameters {
            let parameter = &template["Parameters"][name.as_str()];
            assert!(parameter.is_mapping(), "{name}");
            assert!(parameter["NoEcho"].is_null(), "{name}");
        }
    }

    #[test]
    fn the_longest_external_id_fits_and_a_longer_address_does_not() {
        let longest = "/".repeat(1224);
        let fits = made("us-east-1", TEMPLATE, &longest, None).unwrap();
        assert!(fits.len() < LONGEST, "{}", fits.len());
        let far = format!(
            "https://bucket.s3.us-east-1.amazonaws.com/{}",
            "a".repeat(5000)
        );
        let refused = made("us-east-1", &far, &longest, None).unwrap_err();
        assert!(
            matches!(refused, QuickCreateError::TooLong(8001..)),
            "{refused}"
        );
    }

    #[test]
    fn each_partition_has_its_console_and_needs_its_principal() {
        let china = made("cn-north-1", TEMPLATE_IN_CHINA, "abc", Some(PRINCIPAL)).unwrap();
        assert!(
            china.starts_with(
                "https://cn-north-1.console.amazonaws.cn/cloudformation/home?region=cn-north-1#/"
            ),
            "{china}"
        );
        assert_eq!(filled(&china)["param_AuthomizePrincipalArn"], PRINCIPAL);
        let gov = made("us-gov-west-1", TEMPLATE, "abc", Some(PRINCIPAL)).unwrap();
        assert!(
            gov.starts_with("https://us-gov-west-1.console.amazonaws-us-gov.com/"),
            "{gov}"
        );
        assert!(matches!(
            made("cn-north-1", TEMPLATE_IN_CHINA, "abc", None),
            Err(QuickCreateError::NoPrincipal(_))
        ));
        assert!(matches!(
            made("us-east-1", TEMPLATE, "abc", Some(PRINCIPAL)),
            Err(QuickCreateError::NeedlessPrincipal(_))
        ));
    }

    #[test]
    fn refuses_a_template_that_is_not_in_s3_of_the_partition() {
        for refused in [
            "http://bucket.s3.us-east-1.amazonaws.com/template.yaml",
            "https://example.com/template.yaml",
            "https://bucket.s3.us-east-1.amazonaws.com.example.com/template.yaml",
            "https://user@bucket.s3.us-east-1.amazonaws.com/template.yaml",
            "https://bucket.s3.us-east-1.amazonaws.com:8443/template.yaml",
            TEMPLATE_IN_CHINA,
        ] {
            let link = made("us-east-1", refused, "abc", None);
            assert!(
                matches!(link, Err(QuickCreateError::TemplateUrl(_))),
                "{refused}"
            );
        }
    }
}
