//! A few hundred lives, and that a seed tells one story.

use simulation::many::Many;
use simulation::run::{Collectors, run};
use simulation::schedule::History;

const LIFECYCLES: u64 = 200;

fn many(threads: usize) -> Many {
    Many {
        seed: 1,
        lifecycles: LIFECYCLES,
        threads,
        enough: 1,
    }
}

#[test]
fn everything_holds_and_the_same_seeds_tell_the_same_stories_on_any_number_of_threads() {
    let one = many(1).run();
    let two = many(2).run();
    assert!(one.failures.is_empty(), "{:?}", one.failures);
    assert_eq!(one.hash, two.hash);
    assert_eq!(one.coverage, two.coverage);
    assert!(one.lifecycles >= LIFECYCLES);
}

#[test]
fn another_seed_tells_another_story() {
    let collectors = Collectors::default();
    let hash = |seed| run(&History::of(seed), false, &collectors).hash;
    assert_eq!(hash(7), hash(7));
    assert_ne!(hash(7), hash(8));
}
