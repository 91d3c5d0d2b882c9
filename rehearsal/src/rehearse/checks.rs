//! What must be so after each step, judged from what everybody saw.

pub(super) mod answers;
pub(super) mod record;
pub(super) mod remains;
pub(super) mod secrets;
pub(super) mod surroundings;
pub(super) mod trust;
