//! Which kills there are.

use super::fate::Fate;
use super::point::Point;
use crate::faults::Request;

/// One kill.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kill {
    /// During which request.
    pub life: Request,
    /// Where.
    pub point: Point,
    /// What becomes of the request.
    pub fate: Fate,
}

/// So many kills spread evenly over the points, or every fate at every point.
/// Whatever the number is, the fates take turns.
pub(super) fn spread(points: &[(Request, Point)], kills: Option<usize>) -> Vec<Kill> {
    let kills = kills.unwrap_or(points.len() * Fate::ALL.len());
    (0..kills)
        .filter_map(|number| {
            let (round, place) = if kills < points.len() {
                (0, number * points.len() / kills)
            } else {
                (number / points.len().max(1), number % points.len().max(1))
            };
            let (life, point) = points.get(place)?.clone();
            let turn = if kills < points.len() { number } else { place };
            let fate = Fate::ALL[(round + turn) % Fate::ALL.len()];
            Some(Kill { life, point, fate })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::point::Moment;
    use super::*;

    fn points(count: usize) -> Vec<(Request, Point)> {
        let point = |nth| Point {
            peer: "peer".to_owned(),
            what: "request 1".to_owned(),
            moment: Moment::AfterRead,
            nth,
        };
        (1..=count)
            .map(|nth| (Request::Create, point(nth)))
            .collect()
    }

    #[test]
    fn lets_every_point_meet_every_fate() {
        let kills = spread(&points(7), None);
        let different: BTreeSet<_> = kills.iter().map(|k| (k.point.nth, k.fate)).collect();
        assert_eq!((kills.len(), different.len()), (35, 35));
    }

    #[test]
    fn spreads_a_few_over_all_points_with_fates_in_turn() {
        let kills = spread(&points(100), Some(20));
        let nths: Vec<_> = kills.iter().map(|kill| kill.point.nth).collect();
        assert_eq!((nths.len(), nths[0], nths[1], nths[19]), (20, 1, 6, 96));
        let fates: BTreeSet<_> = kills.iter().map(|kill| kill.fate).collect();
        assert_eq!(fates.len(), Fate::ALL.len());
        assert_eq!(spread(&[], Some(3)), []);
    }
}
