//! The Lambda's process, which AWS expects under the name `bootstrap`.

#[cfg(panic = "abort")]
compile_error!("a panic must unwind, or the stack would wait an hour for its answer");

fn main() -> Result<(), lambda_runtime::Error> {
    authomize_trust_role::runtime::run(authomize_trust_role::runtime::https)
}
