//! What registrations cost by AWS's public price list: x86 in us-east-1, without
//! the free tier. <https://aws.amazon.com/lambda/pricing/>

use crate::spread::Spread;

/// US dollars for one GB for one second.
const GIGABYTE_SECOND: f64 = 0.000_016_666_7;
/// US dollars for one request.
const REQUEST: f64 = 0.000_000_2;
/// The function's memory in GB, as the template has it.
const MEMORY: f64 = 128.0 / 1024.0;

/// 1,000 registrations, each by a new process, that take so many milliseconds.
/// The initialization is billed like the rest.
pub(crate) fn of_1000(first_create_ms: Spread) -> f64 {
    let seconds = first_create_ms.median.ceil() / 1000.0;
    1000.0 * (MEMORY * seconds * GIGABYTE_SECOND + REQUEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bills_memory_for_time_and_each_request() {
        let second = Spread::of(&[1000.0]);
        let expected = 1000.0 * (0.125 * 0.000_016_666_7 + 0.000_000_2);
        assert!((of_1000(second) - expected).abs() < 1e-12);
    }
}
