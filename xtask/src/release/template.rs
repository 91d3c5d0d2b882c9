//! The template of a release: the one in the repository, with the version, the buckets
//! and the code written in.
//!
//! They are literals, for a parameter keeps its value over an update and would leave old
//! code under a new template. The text is edited and not written anew, so that whoever
//! reads the published template finds the comments too.
//!
//! The code is named by its key and pinned by its hash: Lambda makes an
//! `AWS::Lambda::Version` only where `CodeSha256` is what the function has
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html>). The
//! custom resource waits for it, so a bucket in other hands registers nothing. Each
//! code has a logical id of its own for it, or CloudFormation would see no change and
//! ask for no version; and the same code keeps its id, for Lambda makes no second version
//! of a function that has not changed, and CloudFormation would fail.
//!
//! With a code signing configuration the hash is left out: a zip that a company has signed
//! has other bytes, and Lambda checks the signature instead.

use std::fmt::Write as _;

use semver::Version;
use thiserror::Error;

use super::asset::ObjectKey;
use super::configuration::Configuration;
use super::digest::Sha256;

/// The function's code for one architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Where it is in every bucket.
    pub key: ObjectKey,
    /// Of the zip.
    pub sha256: Sha256,
}

/// What is written into the template.
#[derive(Debug)]
pub struct Literals<'a> {
    /// The release's.
    pub version: &'a Version,
    /// With the bucket of each region.
    pub configuration: &'a Configuration,
    /// Every release has it, as every region does.
    pub x86_64: Code,
    /// Without it the template accepts `x86_64` alone.
    pub arm64: Option<Code>,
}

/// The template is not as it was when this was written.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TemplateError {
    /// A line that is replaced or goes.
    #[error("the template has {found} times, not {times}, the line `{line}`")]
    NotAsOften {
        /// The line without what surrounds it.
        line: String,
        /// How often it must be there.
        times: usize,
        /// How often it is there.
        found: usize,
    },
    /// A section that is replaced.
    #[error("the template has no section `{0}`")]
    NoSection(&'static str),
}

/// The template of a release, from the one in the repository.
///
/// # Errors
/// That one has changed, so that it is not known any more where to write.
pub fn write(source: &str, literals: &Literals<'_>) -> Result<String, TemplateError> {
    let code = code_id(literals);
    let mut text = with_section(source, "Mappings:", &mappings(literals))?;
    replace(
        &mut text,
        "    DependsOn: RegistrarInvocations\n",
        &format!("    DependsOn: [RegistrarInvocations, RegistrarVersion{code}]\n"),
    )?;
    let versions = [
        pinned("Registrar", "HasFunction", &code, literals),
        pinned("Admin", "HasAdmin", &code, literals),
    ];
    replace(
        &mut text,
        "\nOutputs:\n",
        &format!("\n{VERSIONS}{}\nOutputs:\n", versions.join("\n")),
    )?;
    if literals.arm64.is_none() {
        for (line, only) in [
            (
                "    AllowedValues: [x86_64, arm64]\n",
                "    AllowedValues: [x86_64]\n",
            ),
            (
                "    ConstraintDescription: Accepted are x86_64 and arm64.\n",
                "    ConstraintDescription: Accepted is x86_64.\n",
            ),
            ("  IsArm64: !Equals [!Ref Architecture, arm64]\n", ""),
        ] {
            replace(&mut text, line, only)?;
        }
        replace_times(
            &mut text,
            FUNCTIONS,
            "!If [IsArm64, !FindInMap [Release, Arm64, Key], !FindInMap [Release, X8664, Key]]\n",
            "!FindInMap [Release, X8664, Key]\n",
        )?;
    }
    Ok(text)
}

/// How many functions have the code: the registrar and the admin function.
const FUNCTIONS: usize = 2;

const VERSIONS: &str =
    "  # Made only of the very code of this release, and that of the registrar before the
  # integration: whatever else is in the bucket registers nothing.
";

/// The end of the versions' logical ids: another one for each code.
fn code_id(literals: &Literals<'_>) -> String {
    let Literals { x86_64, arm64, .. } = literals;
    let mut told = x86_64.sha256.to_string();
    if let Some(arm64) = arm64 {
        told += &arm64.sha256.to_string();
    }
    let digest = Sha256::of(told.as_bytes()).to_string();
    digest[..16].to_owned()
}

fn mappings(literals: &Literals<'_>) -> String {
    let Literals {
        version,
        configuration,
        x86_64,
        arm64,
    } = literals;
    let mut text = format!(
        "Mappings:\n  Release:\n    Artifact: {{Version: {version}}}\n    X8664: {{Key: {}}}\n",
        x86_64.key
    );
    if let Some(arm64) = arm64 {
        writeln!(text, "    Arm64: {{Key: {}}}", arm64.key).expect("a text takes everything");
    }
    text += "  Artifacts:\n";
    for (region, bucket) in &configuration.buckets {
        writeln!(text, "    {region}: {{Bucket: {bucket}}}").expect("a text takes everything");
    }
    text
}

/// The version of a function, which is made of this code and of no other. Whatever else
/// stood there would change with a release whose code has not.
fn pinned(function: &str, condition: &str, code: &str, literals: &Literals<'_>) -> String {
    let x86_64 = literals.x86_64.sha256.base64();
    let hash = match &literals.arm64 {
        Some(arm64) => format!("!If [IsArm64, \"{}\", \"{x86_64}\"]", arm64.sha256.base64()),
        None => format!("\"{x86_64}\""),
    };
    format!(
        "  {function}Version{code}:
    Type: AWS::Lambda::Version
    Condition: {condition}
    Properties:
      FunctionName: !Ref {function}Function
      CodeSha256: !If [HasCodeSigning, !Ref \"AWS::NoValue\", {hash}]
"
    )
}

/// Replaces what is there exactly once.
fn replace(text: &mut String, line: &str, by: &str) -> Result<(), TemplateError> {
    replace_times(text, 1, line, by)
}

/// Replaces what is there so many times.
fn replace_times(
    text: &mut String,
    times: usize,
    line: &str,
    by: &str,
) -> Result<(), TemplateError> {
    let found = text.matches(line).count();
    if found == times {
        *text = text.replace(line, by);
        return Ok(());
    }
    Err(TemplateError::NotAsOften {
        line: line.trim().to_owned(),
        times,
        found,
    })
}

/// The text with another section: from its heading to the blank lines before the next
/// line that is not indented.
fn with_section(source: &str, heading: &'static str, by: &str) -> Result<String, TemplateError> {
    let no_section = TemplateError::NoSection(heading);
    let start = format!("\n{heading}\n");
    let (before, rest) = source.split_once(&start).ok_or(no_section)?;
    let belongs = |line: &&str| line.starts_with([' ', '\n']);
    let length: usize = rest
        .split_inclusive('\n')
        .take_while(belongs)
        .map(str::len)
        .sum();
    let body = rest[..length].trim_end_matches('\n').len();
    Ok(format!(
        "{before}\n{by}{}",
        rest[body..].strip_prefix('\n').unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use serde_yaml_ng::Value;

    use super::super::architecture::Architecture;
    use super::super::asset::Asset;
    use super::*;

    const SOURCE: &str = include_str!("../../../template.yaml");
    const CONFIGURATION: &str = "
        prefix = \"product\"
        expected_bucket_owner = \"123456789012\"
        [buckets]
        ap-south-1 = \"code-of-the-south\"
        us-east-1 = \"code-of-the-east\"
    ";

    fn code(configuration: &Configuration, version: &Version, architecture: Architecture) -> Code {
        let bytes = architecture.name().as_bytes().to_vec();
        let zip = Asset::new(architecture.zip_name(), "application/zip", bytes);
        Code {
            key: zip.key(&configuration.prefix, version),
            sha256: zip.sha256,
        }
    }

    fn released(version: &str, arm64: bool) -> String {
        let configuration: Configuration = CONFIGURATION.parse().unwrap();
        let version: Version = version.parse().unwrap();
        let of = |architecture| code(&configuration, &version, architecture);
        let literals = Literals {
            version: &version,
            configuration: &configuration,
            x86_64: of(Architecture::X86_64),
            arm64: arm64.then(|| of(Architecture::Arm64)),
        };
        write(SOURCE, &literals).unwrap()
    }

    fn parsed(text: &str) -> Value {
        serde_yaml_ng::from_str(text).unwrap()
    }

    /// The logical id of the version of a function.
    fn version_of(template: &Value, function: &str) -> String {
        let resources = template["Resources"].as_mapping().unwrap();
        let is_of = |resource: &Value| {
            let Value::Tagged(of) = &resource["Properties"]["FunctionName"] else {
                return false;
            };
            resource["Type"] == "AWS::Lambda::Version" && of.value == function
        };
        let mut versions = resources
            .iter()
            .filter(|(_, resource)| is_of(resource))
            .map(|(name, _)| name.as_str().unwrap().to_owned());
        let version = versions.next().unwrap();
        assert_eq!(versions.next(), None);
        version
    }

    /// The hash that a version pins where no company has signed the code.
    fn unsigned(version: &Value) -> &Value {
        let Value::Tagged(hash) = &version["Properties"]["CodeSha256"] else {
            panic!("{version:?}");
        };
        assert_eq!(hash.tag.to_string(), "!If");
        assert_eq!(hash.value[0], "HasCodeSigning");
        let Value::Tagged(none) = &hash.value[1] else {
            panic!("{hash:?}");
        };
        assert_eq!(none.value, "AWS::NoValue");
        &hash.value[2]
    }

    #[test]
    fn writes_version_buckets_and_the_key_of_each_architecture() {
        let template = parsed(&released("1.2.3", true));
        let release = &template["Mappings"]["Release"];
        assert_eq!(release["Artifact"]["Version"], "1.2.3");
        for (name, architecture) in [
            ("X8664", Architecture::X86_64),
            ("Arm64", Architecture::Arm64),
        ] {
            let hash = Sha256::of(architecture.name().as_bytes());
            let key = format!("product/1.2.3/{hash}/{}", architecture.zip_name());
            assert_eq!(release[name]["Key"], key.as_str());
        }
        let buckets = template["Mappings"]["Artifacts"].as_mapping().unwrap();
        assert_eq!(buckets.len(), 2);
        assert_eq!(buckets["us-east-1"]["Bucket"], "code-of-the-east");
    }

    #[test]
    fn pins_the_code_by_its_hash_before_the_custom_resource() {
        let template = parsed(&released("1.2.3", true));
        for (function, condition) in [
            ("RegistrarFunction", "HasFunction"),
            ("AdminFunction", "HasAdmin"),
        ] {
            let version = &template["Resources"][version_of(&template, function).as_str()];
            assert_eq!(version["Condition"], condition);
            let Value::Tagged(hash) = unsigned(version) else {
                panic!("{version:?}");
            };
            assert_eq!(hash.value[1], Sha256::of(b"arm64").base64().as_str());
            assert_eq!(hash.value[2], Sha256::of(b"x86_64").base64().as_str());
        }
        let id = version_of(&template, "RegistrarFunction");
        let depends = &template["Resources"]["AuthomizeIntegration"]["DependsOn"];
        assert_eq!(depends[0], "RegistrarInvocations");
        assert_eq!(depends[1], id.as_str());
    }

    #[test]
    fn another_code_has_another_logical_id_and_the_same_code_keeps_its_own() {
        let id =
            |version, arm64| version_of(&parsed(&released(version, arm64)), "RegistrarFunction");
        let one = id("1.2.3", true);
        assert_eq!(one, id("1.2.4", true));
        assert_ne!(one, id("1.2.3", false));
        assert!(
            one.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{one}"
        );
    }

    #[test]
    fn changes_nothing_else() {
        let mut template = parsed(&released("1.2.3", true));
        let ids = ["RegistrarFunction", "AdminFunction"].map(|of| version_of(&template, of));
        let source = parsed(SOURCE);
        let resources = template["Resources"].as_mapping_mut().unwrap();
        for id in ids {
            resources.remove(id.as_str());
        }
        resources["AuthomizeIntegration"]["DependsOn"] = "RegistrarInvocations".into();
        template["Mappings"] = source["Mappings"].clone();
        assert_eq!(template, source);
    }

    /// What CloudFormation takes in a request. More it takes from S3 only.
    #[test]
    fn fits_into_one_request() {
        let size = released("1.2.3", true).len();
        assert!(size <= 51_200, "it has {size} bytes");
    }

    #[test]
    fn keeps_every_comment() {
        let released = released("1.2.3", true);
        let comment = |line: &&str| line.trim_start().starts_with('#');
        for line in SOURCE.lines().filter(comment) {
            assert!(released.contains(line), "{line}");
        }
        assert!(released.contains("\n\nRules:\n"), "a section has moved");
    }

    #[test]
    fn without_arm64_accepts_x86_64_alone() {
        let text = released("1.2.3", false);
        assert!(!text.to_lowercase().contains("arm64"));
        let template = parsed(&text);
        let accepted = &template["Parameters"]["Architecture"]["AllowedValues"];
        assert_eq!(accepted.as_sequence().unwrap().as_slice(), ["x86_64"]);
        let id = version_of(&template, "RegistrarFunction");
        let hash = unsigned(&template["Resources"][id.as_str()]);
        assert_eq!(*hash, Sha256::of(b"x86_64").base64().as_str());
    }

    #[test]
    fn tells_what_the_template_has_no_more() {
        let configuration: Configuration = CONFIGURATION.parse().unwrap();
        let version = Version::new(1, 2, 3);
        let literals = Literals {
            version: &version,
            configuration: &configuration,
            x86_64: code(&configuration, &version, Architecture::X86_64),
            arm64: None,
        };
        assert_eq!(
            write("Resources: {}\n", &literals),
            Err(TemplateError::NoSection("Mappings:"))
        );
        let moved = SOURCE.replace("DependsOn: RegistrarInvocations", "DependsOn: TrustRole");
        assert_eq!(
            write(&moved, &literals).unwrap_err().to_string(),
            "the template has 0 times, not 1, the line `DependsOn: RegistrarInvocations`"
        );
    }
}
