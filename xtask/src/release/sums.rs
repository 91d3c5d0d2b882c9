//! `SHA256SUMS`, as `sha256sum --check` reads it.

use std::fmt::Write as _;

use super::asset::Asset;

/// The name of the file.
pub const NAME: &str = "SHA256SUMS";

/// The sums of these files, in their order.
#[must_use]
pub fn of<'a>(assets: impl IntoIterator<Item = &'a Asset>) -> Asset {
    let mut text = String::new();
    for Asset { name, sha256, .. } in assets {
        writeln!(text, "{sha256}  {name}").expect("a text takes everything");
    }
    Asset::new(NAME, "text/plain", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_line_for_each_file() {
        let one = Asset::new("one.zip", "application/zip", "abc");
        let other = Asset::new("other.zip", "application/zip", "");
        assert_eq!(
            of([&one, &other]).bytes,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  one.zip\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  other.zip\n"
        );
    }
}
