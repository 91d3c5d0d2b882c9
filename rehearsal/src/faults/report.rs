//! What a cell of the matrix came to.

use serde::Serialize;

use super::fault::Request;

/// What a cell of the matrix came to. No secret is in it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CellReport {
    /// The fault's name.
    pub fault: &'static str,
    /// The kind of request that met it.
    #[serde(serialize_with = "by_word")]
    pub request: Request,
    /// Why it cannot occur there, if it cannot.
    pub never: Option<&'static str>,
    /// The stack's status.
    pub status: String,
    /// What the admin read in the console; empty where nothing failed.
    pub reason: String,
    /// What the vendor was asked meanwhile.
    pub vendor_calls: Vec<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What did not come as it must.
    pub problems: Vec<String>,
}

impl CellReport {
    /// A cell that cannot occur.
    #[must_use]
    pub fn never(fault: &'static str, request: Request, why: &'static str) -> Self {
        Self {
            fault,
            request,
            never: Some(why),
            status: String::new(),
            reason: String::new(),
            vendor_calls: Vec::new(),
            seconds: 0.0,
            problems: Vec::new(),
        }
    }

    /// Whether everything came as it must.
    #[must_use]
    pub fn held(&self) -> bool {
        self.problems.is_empty()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference over"
)]
fn by_word<S: serde::Serializer>(request: &Request, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(request.word())
}
