//! The template as it is in the repository, and where it takes the
//! function's code from.

use std::fs;
use std::path::{Path, PathBuf};

use serde_yaml_ng::Value;
use sha2::{Digest, Sha256};

use super::report::TemplateReport;
use super::setup_error::SetupError;

/// `template.yaml`, read once and never changed.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) sha256: String,
}

/// A place in S3.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CodeLocation {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl Template {
    /// Reads the template of the clone that this binary was built in.
    pub(crate) fn read() -> Result<Self, SetupError> {
        let path = workspace_root().join("template.yaml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(SetupError::Template { path, source }),
        };
        let digest = Sha256::digest(&text);
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { path, text, sha256 })
    }

    /// Which one it was.
    pub(super) fn report(&self) -> TemplateReport {
        TemplateReport {
            path: self.path.display().to_string(),
            sha256: self.sha256.clone(),
        }
    }

    /// The root of the workspace.
    pub(crate) fn root(&self) -> &Path {
        self.path
            .parent()
            .expect("the template was read from a folder")
    }

    /// The same with other limits, in seconds: nothing else is changed.
    pub(crate) fn hurried(&self, function_timeout: u32, service_timeout: u32) -> String {
        self.text
            .lines()
            .map(|line| match line.trim_start() {
                limit if limit.starts_with("Timeout: ") => {
                    line.replace(limit, &format!("Timeout: {function_timeout}"))
                }
                limit if limit.starts_with("ServiceTimeout: ") => {
                    line.replace(limit, &format!("ServiceTimeout: {service_timeout}"))
                }
                _ => line.to_owned(),
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Where a stack with default parameters looks for the function's code
    /// in `region`.
    pub(crate) fn code_location(&self, region: &str) -> Result<CodeLocation, SetupError> {
        let not_told = |missing: &str| SetupError::NoCodeLocation {
            region: region.to_owned(),
            missing: missing.to_owned(),
        };
        let template: Value =
            serde_yaml_ng::from_str(&self.text).map_err(|_| not_told("it is no YAML"))?;
        let code = function_code(&template).ok_or_else(|| not_told("no function with `Code`"))?;
        let resolve = |member: &str| {
            resolved(&template, &code[member], region).ok_or_else(|| not_told(member))
        };
        Ok(CodeLocation {
            bucket: resolve("S3Bucket")?,
            key: resolve("S3Key")?,
        })
    }
}

fn workspace_root() -> PathBuf {
    let member = Path::new(env!("CARGO_MANIFEST_DIR"));
    member.parent().unwrap_or(member).to_owned()
}

fn function_code(template: &Value) -> Option<&Value> {
    let resources = template["Resources"].as_mapping()?;
    let function = resources
        .values()
        .find(|resource| resource["Type"] == "AWS::Lambda::Function")?;
    Some(&function["Properties"]["Code"])
}

/// The text that `value` stands for, with the forms that a template can say
/// a code location in: a literal, `!Ref`, `!Sub`, `!FindInMap` and `!If` of a
/// condition that compares two of these.
fn resolved(template: &Value, value: &Value, region: &str) -> Option<String> {
    let Value::Tagged(tagged) = value else {
        return value.as_str().map(str::to_owned);
    };
    match (tagged.tag.to_string().as_str(), &tagged.value) {
        ("!Ref", Value::String(name)) => referred(template, name, region),
        ("!Sub", Value::String(text)) => substituted(template, text, &Value::Null, region),
        ("!Sub", Value::Sequence(parts)) => match parts.as_slice() {
            [Value::String(text), names] => substituted(template, text, names, region),
            _ => None,
        },
        ("!FindInMap", Value::Sequence(keys)) => {
            let mut found = &template["Mappings"];
            for key in keys {
                found = &found[resolved(template, key, region)?.as_str()];
            }
            found.as_str().map(str::to_owned)
        }
        ("!If", Value::Sequence(parts)) => match parts.as_slice() {
            [Value::String(condition), then, otherwise] => {
                let holds = compared(template, &template["Conditions"][condition], region)?;
                resolved(template, if holds { then } else { otherwise }, region)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether a condition holds that is `!Equals`.
fn compared(template: &Value, condition: &Value, region: &str) -> Option<bool> {
    match condition {
        Value::Tagged(tagged) if tagged.tag == "!Equals" => {
            match tagged.value.as_sequence()?.as_slice() {
                [one, other] => {
                    Some(resolved(template, one, region)? == resolved(template, other, region)?)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Replaces each `${NAME}`, by what `names` has for it before anything else.
fn substituted(template: &Value, text: &str, names: &Value, region: &str) -> Option<String> {
    let mut parts = text.split("${");
    let mut result = parts.next()?.to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}')?;
        let own = names.get(name);
        result += &match own {
            Some(value) => resolved(template, value, region)?,
            None => referred(template, name, region)?,
        };
        result += rest;
    }
    Some(result)
}

fn referred(template: &Value, name: &str, region: &str) -> Option<String> {
    match name {
        "AWS::Region" => Some(region.to_owned()),
        parameter => {
            let default = &template["Parameters"][parameter]["Default"];
            default.as_str().map(str::to_owned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
Parameters:
  Architecture: {Type: String, Default: x86_64}
Mappings:
  Buckets:
    us-east-1: {Name: code-of-the-east}
Conditions:
  IsArm64: !Equals [!Ref Architecture, arm64]
  IsX8664: !Equals [!Ref Architecture, x86_64]
Resources:
  Role: {Type: 'AWS::IAM::Role'}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Code:
        S3Bucket: !FindInMap [Buckets, !Ref 'AWS::Region', Name]
        S3Key: !Sub
          - ${Prefix}/${Architecture}/${AWS::Region}.zip
          - Prefix: !If [IsArm64, another, !If [IsX8664, !Sub '1.2.${Architecture}', another]]
";

    fn template(text: &str) -> Template {
        Template {
            path: PathBuf::from("/clone/template.yaml"),
            text: text.to_owned(),
            sha256: String::new(),
        }
    }

    #[test]
    fn finds_the_code_through_maps_substitutions_and_conditions() {
        let code = template(TEXT).code_location("us-east-1").unwrap();
        assert_eq!(code.bucket, "code-of-the-east");
        assert_eq!(code.key, "1.2.x86_64/x86_64/us-east-1.zip");
    }

    #[test]
    fn hurries_by_its_timeouts_and_nothing_else() {
        let real = Template::read().unwrap();
        let hurried = real.hurried(20, 40);
        let changed: Vec<(&str, &str)> = real
            .text
            .lines()
            .zip(hurried.lines())
            .filter(|(before, after)| before != after)
            .map(|(before, after)| (before.trim(), after.trim()))
            .collect();
        let expected = [
            ("Timeout: 240", "Timeout: 20"),
            ("Timeout: 900", "Timeout: 20"),
            ("ServiceTimeout: 1200", "ServiceTimeout: 40"),
            ("ServiceTimeout: 1200", "ServiceTimeout: 40"),
        ];
        assert_eq!(changed, expected);
        assert_eq!(real.text.lines().count(), hurried.lines().count());
    }

    #[test]
    fn tells_what_it_does_not_find() {
        let told = |text: &str, region| {
            let error = template(text).code_location(region).unwrap_err();
            error.to_string()
        };
        assert!(told(TEXT, "mars-1").ends_with("S3Bucket"));
        assert!(told("Resources: {}", "us-east-1").ends_with("no function with `Code`"));
        assert!(told("{", "us-east-1").ends_with("it is no YAML"));
    }
}
