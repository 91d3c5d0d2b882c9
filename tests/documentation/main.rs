//! What the pages in `docs/` say about the code is so.

mod markdown;
mod proofs;
mod protocol_table;
mod review;
mod sources;
