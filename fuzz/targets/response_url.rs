//! Where an answer may go: the first byte chooses the region, or local mode.

#![no_main]

use std::time::{Duration, SystemTime};

use authomize_trust_role::response_url::{ResponseUrl, Verdict};
use http::Uri;
use libfuzzer_sys::fuzz_target;

const REGIONS: [(&str, &str, &str); 3] = [
    ("us-east-1", "useast1", "amazonaws.com"),
    ("us-gov-west-1", "usgovwest1", "amazonaws.com"),
    ("cn-north-1", "cnnorth1", "amazonaws.com.cn"),
];

/// From this byte on the function runs on a laptop.
const LOCAL: u8 = 192;

fuzz_target!(|given: (u8, &str)| {
    let (choice, text) = given;
    if choice < LOCAL {
        in_aws(usize::from(choice), text);
    } else if let Ok(url) = ResponseUrl::parse_local(text) {
        assert_eq!(url.expose(), text);
        age(&url);
    }
});

fn in_aws(choice: usize, text: &str) {
    let (name, short, suffix) = REGIONS[choice % REGIONS.len()];
    let region = name.parse().expect("it is a region");
    let bucket = format!("cloudformation-custom-resource-response-{short}");
    match ResponseUrl::judge(text, &region, suffix) {
        Ok(Verdict::Usable(url)) => {
            let hosts = [
                "s3",
                &format!("s3.{name}"),
                &format!("s3-{name}"),
                &format!("s3.dualstack.{name}"),
            ]
            .map(|form| format!("{bucket}.{form}.{suffix}"));
            let uri: Uri = text.parse().expect("what is usable can be sent");
            assert_eq!(uri.to_string(), text, "byte for byte as it was signed");
            assert_eq!(uri.scheme_str(), Some("https"));
            let authority = uri.authority().expect("it has a host").as_str();
            assert!(hosts.iter().any(|host| host == authority), "{authority}");
            keeps_its_query(&url, uri.query());
            age(&url);
        }
        Ok(Verdict::UnknownForm(url)) => {
            let parsed = url::Url::parse(url.expose()).expect("it is a URL");
            let host = parsed.host_str().expect("it has a host");
            assert!(host.starts_with(&format!("{bucket}.s3")), "{host}");
            assert!(host.ends_with(&format!(".{suffix}")), "{host}");
            assert_eq!(parsed.scheme(), "https");
            assert_eq!(parsed.port_or_known_default(), Some(443));
            assert_eq!(parsed.username(), "");
            keeps_its_query(&url, parsed.query());
        }
        Err(_) => {}
    }
}

/// `Debug` shows the host alone.
fn keeps_its_query(url: &ResponseUrl, query: Option<&str>) {
    let shown = format!("{url:?}");
    let query = query.filter(|query| query.len() > 3);
    assert!(query.is_none_or(|query| !shown.contains(&format!("?{query}"))));
    assert!(shown.starts_with("ResponseUrl(\"cloudformation-custom-resource-response-"));
    assert!(!shown.contains(['/', '?']));
}

fn age(url: &ResponseUrl) {
    url.age(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
}
