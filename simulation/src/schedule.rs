//! One history of a tenant as a value, made from a seed: who does what when, and
//! what goes wrong. What is a value can be shown, compared and made shorter.

use fastrand::Rng;

use crate::fault::{Fault, Spot, What};

/// All that is decided before a history runs.
#[derive(Clone, Debug)]
pub struct History {
    /// What it was made from.
    pub seed: u64,
    /// The vendor.
    pub vendor: VendorPlan,
    /// The stacks. One that is made again under the same name is another one.
    pub stacks: Vec<StackPlan>,
    /// What a stranger does at the vendor.
    pub stranger: Vec<StrangerAct>,
    /// What goes wrong at the requests of the function.
    pub faults: Vec<Fault>,
    /// What goes wrong on the way to the function.
    pub deliveries: Vec<DeliveryFault>,
}

/// How the vendor is.
#[derive(Clone, Copy, Debug)]
pub struct VendorPlan {
    /// It knows what is published, and nothing else.
    pub published_only: bool,
    /// Seconds for which a deleted record holds its name.
    pub deletion_takes: u32,
    /// Requests accepted in a second.
    pub rate: Option<u32>,
    /// Whether it knows idempotency keys.
    pub knows_keys: bool,
    /// Seconds by which its clock is ahead.
    pub ahead: i64,
}

/// One life of a stack.
#[derive(Clone, Debug)]
pub struct StackPlan {
    /// Which account it is in.
    pub account: usize,
    /// The stack of the same name before it, which must have ended.
    pub after: Option<usize>,
    /// Seconds to wait before it begins.
    pub starts: u32,
    /// What it is created with.
    pub properties: Properties,
    /// What becomes of its creation.
    pub creation: Turn,
    /// What follows.
    pub updates: Vec<UpdatePlan>,
    /// How it ends.
    pub end: EndPlan,
    /// The role as the vendor finds it.
    pub role: RolePlan,
    /// Seconds until Secrets Manager believes the function's role.
    pub trusted_in: u32,
}

/// The part of the properties that varies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Properties {
    /// Empty for the name that the account gives.
    pub name: &'static str,
    /// The owner's e-mail address.
    pub owner: u8,
    /// The set of regions.
    pub regions: u8,
    /// Whether the account is the management account.
    pub identity_center: bool,
    /// Whether the record is kept when the stack goes.
    pub keep: bool,
    /// Whether a failed deregistration is ignored.
    pub ignore: bool,
    /// To have the registration checked.
    pub refresh: u8,
    /// Whether the owner's address is none: refused with a reason.
    pub invalid: bool,
}

/// What happens to the other resources of the stack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Turn {
    /// Nothing.
    Well,
    /// One fails so many milliseconds after our request was sent: the operation
    /// is rolled back.
    SiblingFails(u32),
    /// The admin deletes the stack so many milliseconds after our request was sent.
    Deleted(u32),
}

/// One update.
#[derive(Clone, Debug)]
pub struct UpdatePlan {
    /// Seconds since the last operation ended.
    pub after: u32,
    /// The properties as they shall be.
    pub properties: Properties,
    /// What becomes of it.
    pub turn: Turn,
    /// Whether a rollback after a replacement sends an Update back.
    pub updates_back: bool,
}

/// How a stack ends.
#[derive(Clone, Copy, Debug)]
pub struct EndPlan {
    /// Seconds since the last operation ended.
    pub after: u32,
    /// How often a failed deletion is tried again before the resource is retained.
    pub retries: u32,
    /// Seconds between these tries.
    pub between: u32,
    /// Seconds until the function is gone, once the resource is.
    pub function_goes_in: u32,
    /// The resource is retained without a request.
    pub retained: bool,
}

/// The role as the vendor's validation finds it.
#[derive(Clone, Copy, Debug)]
pub struct RolePlan {
    /// Seconds that a validation takes.
    pub takes: u32,
    /// Seconds after the stack began until the role has spread.
    pub spreads_in: u32,
    /// Validations that fail all the same.
    pub wavers: u32,
    /// It can never be assumed.
    pub broken: bool,
    /// A validation never ends.
    pub endless: bool,
    /// The apps that it connects beside the usual ones.
    pub many_apps: bool,
}

/// What a stranger does, and when, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct StrangerAct {
    /// Seconds since the beginning.
    pub at: u32,
    /// What.
    pub act: Act,
}

/// What a stranger does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    /// Makes a record of this name.
    Makes(&'static str),
    /// Gives his last record this name.
    Renames(&'static str),
    /// Deletes his first record.
    Deletes,
    /// Deletes the record of a stack by hand.
    DeletesOurs(usize),
    /// Gives the record of a stack to a stack of his own.
    TakesOurs(usize),
}

/// What goes wrong on the way of one request to the function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeliveryFault {
    /// The stack.
    pub stack: usize,
    /// The request of CloudFormation, by its number in the stack's life.
    pub request: usize,
    /// What happens.
    pub mishap: Mishap,
}

/// What goes wrong on the way to the function.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Mishap {
    /// It waits so many seconds in Lambda's queue.
    Queued(u32),
    /// It is throttled so often.
    Throttled(u32),
    /// It is delivered twice at once.
    TwiceAtOnce,
    /// It is delivered once more so many seconds later.
    TwiceLate(u32),
    /// The process is killed so many milliseconds after its start.
    Killed(u32),
    /// The runs of this request fail their start: no code runs.
    NeverRuns,
}

impl Mishap {
    /// Whether two runs may go on at once.
    fn is_a_twin(self) -> bool {
        matches!(self, Self::TwiceAtOnce | Self::TwiceLate(_))
    }

    /// Its name in the histogram.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued(_) => "Queued",
            Self::Throttled(_) => "Throttled",
            Self::TwiceAtOnce => "TwiceAtOnce",
            Self::TwiceLate(_) => "TwiceLate",
            Self::Killed(_) => "Killed",
            Self::NeverRuns => "NeverRuns",
        }
    }
}

/// The names that stacks and strangers quarrel about.
pub const NAMES: [&str; 4] = ["", "Production", "Staging", "AWS 123456789012"];

impl History {
    /// The history of a seed.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d);
        let rng = &mut rng;
        let vendor = VendorPlan::any(rng);
        let mut stacks = stacks(rng);
        let mut stranger = strangers_acts(rng, stacks.len());
        // A server that knows only what is published cannot tell records of one
        // name apart, see docs/reliability.md.
        let mut is_alone = false;
        if vendor.published_only && !one_in(rng, RARE) {
            is_alone = true;
            stacks.truncate(1);
            stranger.clear();
        }
        let mut faults = Vec::new();
        let mut deliveries = Vec::new();
        for (stack, plan) in stacks.iter().enumerate() {
            let requests = plan.updates.len() + 3;
            for _ in 0..number_of_faults(rng) {
                faults.push(fault(rng, stack, requests, vendor));
            }
            if rng.u8(..) < 50 {
                deliveries.push(delivery_fault(rng, stack, requests));
            }
            if is_alone {
                deliveries.retain(|fault| !fault.mishap.is_a_twin());
            }
        }
        Self {
            seed,
            vendor,
            stacks,
            stranger,
            faults,
            deliveries,
        }
    }
}

/// One history in so many at a server that knows only what is published has other
/// stacks, a stranger, and events that are delivered twice.
const RARE: u32 = 3_000;

/// One in `n`.
fn one_in(rng: &mut Rng, n: u32) -> bool {
    rng.u32(0..n) == 0
}

impl VendorPlan {
    fn any(rng: &mut Rng) -> Self {
        Self {
            published_only: one_in(rng, 6),
            deletion_takes: pick(rng, &[0, 0, 0, 2, 15, 60]),
            rate: one_in(rng, 10).then_some(5),
            knows_keys: !one_in(rng, 8),
            ahead: if one_in(rng, 4) { rng.i64(-90..90) } else { 0 },
        }
    }
}

fn pick<T: Copy>(rng: &mut Rng, items: &[T]) -> T {
    items[rng.usize(..items.len())]
}

fn stacks(rng: &mut Rng) -> Vec<StackPlan> {
    let mut stacks = vec![stack(rng)];
    if one_in(rng, 3) {
        let mut other = stack(rng);
        other.starts = pick(rng, &[0, 0, 1, 10, 60, 400]);
        // Often the same account, for the same name.
        if one_in(rng, 2) {
            other.account = stacks[0].account;
        }
        stacks.push(other);
    }
    if one_in(rng, 4) {
        let mut again = stack(rng);
        again.account = stacks[0].account;
        again.after = Some(0);
        again.starts = pick(rng, &[1, 5, 60, 900]);
        if one_in(rng, 2) {
            again.properties.name = stacks[0].properties.name;
        }
        stacks.push(again);
    }
    stacks
}

fn stack(rng: &mut Rng) -> StackPlan {
    let properties = Properties::any(rng);
    let mut now = properties.clone();
    let updates = (0..pick(rng, &[0, 0, 1, 1, 2]))
        .map(|_| {
            now = now.changed(rng);
            let turn = turn(rng, 5);
            UpdatePlan {
                after: pick(rng, &[1, 20, 120, 2400, 2400]),
                properties: now.clone(),
                turn: later(rng, turn),
                updates_back: !one_in(rng, 3),
            }
        })
        .collect();
    StackPlan {
        account: rng.usize(0..2),
        after: None,
        starts: 0,
        properties,
        creation: turn(rng, 5),
        updates,
        end: EndPlan {
            after: pick(rng, &[1, 20, 2400, 2400]),
            retries: rng.u32(0..3),
            between: pick(rng, &[5, 300, 2400]),
            function_goes_in: rng.u32(1..10),
            retained: one_in(rng, 60),
        },
        role: RolePlan::any(rng),
        trusted_in: if one_in(rng, 6) { rng.u32(1..20) } else { 0 },
    }
}

fn turn(rng: &mut Rng, rarity: u32) -> Turn {
    if !one_in(rng, rarity) {
        return Turn::Well;
    }
    let at = match rng.u8(0..4) {
        0 => rng.u32(0..800),
        1 => rng.u32(0..6_000),
        2 => rng.u32(0..60_000),
        _ => rng.u32(0..400_000),
    };
    if one_in(rng, 4) {
        Turn::Deleted(at)
    } else {
        Turn::SiblingFails(at)
    }
}

/// An update is rarely given up in the second in which its request was sent.
fn later(rng: &mut Rng, turn: Turn) -> Turn {
    match turn {
        Turn::SiblingFails(at) if !one_in(rng, 2_000) => Turn::SiblingFails(at + 1_000),
        Turn::Deleted(at) if !one_in(rng, 2_000) => Turn::Deleted(at + 1_000),
        turn => turn,
    }
}

impl Properties {
    fn any(rng: &mut Rng) -> Self {
        Self {
            name: pick(rng, &NAMES[..3]),
            owner: rng.u8(0..3),
            regions: rng.u8(0..3),
            identity_center: one_in(rng, 4),
            keep: one_in(rng, 5),
            ignore: one_in(rng, 6),
            refresh: 0,
            invalid: one_in(rng, 60),
        }
    }

    fn changed(&self, rng: &mut Rng) -> Self {
        let mut now = self.clone();
        now.invalid = one_in(rng, 40);
        match rng.u8(0..9) {
            0 | 1 => now.name = pick(rng, &NAMES[..3]),
            2 => now.owner = (now.owner + 1) % 3,
            3 => now.regions = (now.regions + 1) % 3,
            4 => now.identity_center = !now.identity_center,
            5 => now.keep = !now.keep,
            6 => {}
            _ => now.refresh += 1,
        }
        now
    }
}

impl RolePlan {
    fn any(rng: &mut Rng) -> Self {
        Self {
            takes: pick(rng, &[0, 0, 1, 3, 10, 40]),
            spreads_in: pick(rng, &[0, 0, 0, 5, 12, 40]),
            wavers: pick(rng, &[0, 0, 0, 0, 1, 3]),
            broken: one_in(rng, 30),
            endless: one_in(rng, 30),
            many_apps: one_in(rng, 30),
        }
    }
}

fn strangers_acts(rng: &mut Rng, stacks: usize) -> Vec<StrangerAct> {
    if !one_in(rng, 3) {
        return Vec::new();
    }
    (0..rng.usize(1..4))
        .map(|_| StrangerAct {
            at: match rng.u8(0..3) {
                0 => rng.u32(0..4),
                1 => rng.u32(0..120),
                _ => rng.u32(0..7_000),
            },
            act: match rng.u8(0..8) {
                0..3 => Act::Makes(pick(rng, &NAMES[1..])),
                3 => Act::Renames(pick(rng, &NAMES[1..])),
                4 => Act::Deletes,
                5 | 6 => Act::DeletesOurs(rng.usize(0..stacks)),
                _ => Act::TakesOurs(rng.usize(0..stacks)),
            },
        })
        .collect()
}

fn number_of_faults(rng: &mut Rng) -> usize {
    pick(rng, &[0, 0, 0, 1, 1, 1, 2, 2, 3, 5])
}

fn fault(rng: &mut Rng, stack: usize, requests: usize, vendor: VendorPlan) -> Fault {
    loop {
        let spot = pick(rng, &Spot::ALL);
        let what = pick(rng, spot.possible());
        // A server that knows only what is published cannot tell two records
        // apart: its list is not late on top of it, see docs/reliability.md.
        if what == What::Stale && spot == Spot::List && vendor.published_only {
            continue;
        }
        // The token is checked once, by an Update with another `Refresh`.
        let checks_the_token = spot == Spot::Me;
        let is_rare = checks_the_token || spot == Spot::List;
        let updates = requests - 3;
        if checks_the_token && updates == 0 {
            continue;
        }
        let from = if is_rare {
            0
        } else {
            pick(rng, &[0, 0, 0, 1, 1, 2, 3])
        };
        let request = if checks_the_token {
            rng.usize(1..=updates)
        } else {
            rng.usize(0..requests)
        };
        let times = if what.kills() || what == What::Panic {
            pick(rng, &[1, 1, 1, 2])
        } else {
            pick(rng, &[1, 1, 1, 2, 3, 6, 20])
        };
        return Fault {
            stack,
            request,
            spot,
            from,
            times,
            what,
        };
    }
}

fn delivery_fault(rng: &mut Rng, stack: usize, requests: usize) -> DeliveryFault {
    DeliveryFault {
        stack,
        request: rng.usize(0..requests),
        mishap: match rng.u8(0..12) {
            0 => Mishap::Queued(pick(rng, &[10, 50, 100, 400])),
            1 | 2 => Mishap::Throttled(rng.u32(1..5)),
            3 | 4 => Mishap::TwiceAtOnce,
            5 | 6 => Mishap::TwiceLate(pick(rng, &[1, 5, 30, 200, 600])),
            7..11 => Mishap::Killed(match rng.u8(0..3) {
                0 => rng.u32(0..1_000),
                1 => rng.u32(0..10_000),
                _ => rng.u32(0..230_000),
            }),
            _ => Mishap::NeverRuns,
        },
    }
}
