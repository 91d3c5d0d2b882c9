//! The software bill of materials: `CycloneDX` 1.5 in JSON.
//!
//! The format is <https://cyclonedx.org/docs/1.5/json/>'s. It has no time and no random
//! number, so the same code always gives the same bytes.

use serde_json::{Value, json};

use super::asset::Asset;
use super::dependencies::{Dependencies, Package};

/// The name of the file, as <https://cyclonedx.org/specification/overview/> wants it.
pub const NAME: &str = "sbom.cdx.json";

/// The bill of what the function links.
#[must_use]
pub fn of(dependencies: &Dependencies) -> Asset {
    let Dependencies { root, others } = dependencies;
    let all = std::iter::once(root).chain(others);
    let bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": component("application", root),
            "lifecycles": [{"phase": "build"}],
        },
        "components": others.iter().map(|one| component("library", one)).collect::<Vec<_>>(),
        "dependencies": all.map(links).collect::<Vec<_>>(),
    });
    let text = format!("{bill:#}\n");
    Asset::new(NAME, "application/vnd.cyclonedx+json", text)
}

fn component(kind: &str, package: &Package) -> Value {
    let Package {
        id,
        licence,
        repository,
        checksum,
        ..
    } = package;
    let mut component = json!({
        "type": kind,
        "bom-ref": id.purl(),
        "name": id.name,
        "version": id.version,
        "purl": id.purl(),
    });
    if let Some(licence) = licence {
        component["licenses"] = json!([{"expression": licence}]);
    }
    if let Some(repository) = repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    if let Some(checksum) = checksum {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    component
}

fn links(package: &Package) -> Value {
    let to: Vec<String> = package.links.iter().map(|id| id.purl()).collect();
    json!({"ref": package.id.purl(), "dependsOn": to})
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::dependencies::tests::three;
    use super::*;

    #[test]
    fn names_each_package_with_its_licence_and_what_it_links() {
        let bill = of(&three(Path::new("/registry")));
        assert_eq!(bill.bytes, of(&three(Path::new("/elsewhere"))).bytes);
        let bill: Value = serde_json::from_slice(&bill.bytes).unwrap();
        assert_eq!(
            bill["metadata"]["component"]["purl"],
            "pkg:cargo/ours@0.1.0"
        );
        let [bytes, only_there, serde] = &bill["components"].as_array().unwrap()[..] else {
            panic!("{bill}");
        };
        assert_eq!(
            *bytes,
            json!({
                "type": "library", "bom-ref": "pkg:cargo/bytes@1.2.3", "name": "bytes",
                "version": "1.2.3", "purl": "pkg:cargo/bytes@1.2.3",
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
                "hashes": [{"alg": "SHA-256", "content": "ab12"}],
            })
        );
        assert!(only_there["licenses"].is_null());
        assert_eq!(
            bill["dependencies"][1],
            json!({"ref": "pkg:cargo/bytes@1.2.3", "dependsOn": [serde["purl"]]})
        );
    }
}
