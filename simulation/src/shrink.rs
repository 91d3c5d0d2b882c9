//! The shortest schedule that still breaks a promise.

use crate::schedule::{History, Turn};

/// Leaves out and makes plainer what can be, as long as the history `fails`.
pub fn shrink(history: &History, fails: impl Fn(&History) -> bool) -> History {
    let mut shortest = history.clone();
    loop {
        match plainer(&shortest).into_iter().find(&fails) {
            Some(shorter) => shortest = shorter,
            None => return shortest,
        }
    }
}

/// The histories that are a step plainer.
fn plainer(history: &History) -> Vec<History> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut History)| {
        let mut changed = history.clone();
        change(&mut changed);
        all.push(changed);
    };
    if history.stacks.len() > 1 {
        with(&|changed| {
            let last = changed.stacks.len() - 1;
            changed.stacks.pop();
            changed.faults.retain(|fault| fault.stack != last);
            changed.deliveries.retain(|fault| fault.stack != last);
            changed.stranger.clear();
        });
    }
    for index in 0..history.stranger.len() {
        with(&|changed| {
            changed.stranger.remove(index);
        });
    }
    for index in 0..history.faults.len() {
        with(&|changed| {
            changed.faults.remove(index);
        });
        if history.faults[index].times > 1 {
            with(&|changed| changed.faults[index].times = 1);
        }
    }
    for index in 0..history.deliveries.len() {
        with(&|changed| {
            changed.deliveries.remove(index);
        });
    }
    for (index, stack) in history.stacks.iter().enumerate() {
        if !stack.updates.is_empty() {
            with(&|changed| {
                changed.stacks[index].updates.pop();
            });
        }
        if stack.creation != Turn::Well {
            with(&|changed| changed.stacks[index].creation = Turn::Well);
        }
        for (number, update) in stack.updates.iter().enumerate() {
            if update.turn != Turn::Well {
                with(&|changed| changed.stacks[index].updates[number].turn = Turn::Well);
            }
        }
        let role = stack.role;
        if role.takes + role.spreads_in + role.wavers > 0 || role.endless || role.many_apps {
            with(&|changed| {
                let role = &mut changed.stacks[index].role;
                (role.takes, role.spreads_in, role.wavers) = (0, 0, 0);
                (role.endless, role.many_apps) = (false, false);
            });
        }
        if stack.trusted_in > 0 {
            with(&|changed| changed.stacks[index].trusted_in = 0);
        }
    }
    if history.vendor.published_only {
        with(&|changed| changed.vendor.published_only = false);
    }
    if history.vendor.deletion_takes > 0
        || history.vendor.rate.is_some()
        || history.vendor.ahead != 0
    {
        with(&|changed| {
            changed.vendor.deletion_takes = 0;
            changed.vendor.rate = None;
            changed.vendor.ahead = 0;
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Spot;

    #[test]
    fn leaves_out_everything_that_the_failure_does_not_need() {
        let needs_the_answer = |history: &History| {
            let mut faults = history.faults.iter();
            faults.any(|fault| fault.spot == Spot::Answer)
        };
        let long = (0..)
            .map(History::of)
            .find(|history| history.faults.len() > 3 && needs_the_answer(history))
            .unwrap();
        let short = shrink(&long, needs_the_answer);
        assert_eq!(short.faults.len(), 1);
        assert_eq!(short.faults[0].spot, Spot::Answer);
        assert!(short.stranger.is_empty());
        assert!(short.stacks.iter().all(|stack| stack.updates.is_empty()));
    }
}
