//! What is compared: each case is one operation of the server, the floor it is held against, and the target.

use crate::request::Operation;

/// A reference server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Floor {
    /// F1h: HTTP alone, one fixed find.
    Http,
    /// F2: a durable log and a map.
    Log,
}

impl Floor {
    /// Its name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "F1h",
            Self::Log => "F2",
        }
    }
}

/// The secrets that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The 1,000 secrets that every world has.
    Hot,
    /// 20,000 secrets spread evenly over the world, or all of a smaller one: the targets were found on as many.
    Sample,
    /// All secrets of the world.
    All,
    /// All secrets of the world, by a server whose cache is too small for them.
    Cold,
}

impl Asked {
    /// Bytes of the server's cache; `None`: its default.
    pub(crate) fn cache_bytes(self) -> Option<u64> {
        match self {
            Self::Hot | Self::Sample | Self::All => None,
            Self::Cold => Some(COLD_CACHE_BYTES),
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Its name there.
    pub(crate) name: &'static str,
    /// What the server is asked.
    pub(crate) operation: Operation,
    /// For which secrets.
    pub(crate) asked: Asked,
    /// What it is held against.
    pub(crate) floor: Floor,
    /// The ratio of requests per second to reach.
    pub(crate) target: Option<f64>,
    /// The longest p99 to reach.
    pub(crate) p99: P99,
}

/// How long the slowest requests may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum P99 {
    /// No target.
    Any,
    /// So many times the floor's.
    TimesFloor(f64),
    /// So many milliseconds.
    Milliseconds(f64),
}

impl Case {
    /// What the floor is asked: F1h knows one find and nothing else.
    pub(crate) fn floor_operation(&self) -> Operation {
        match self.floor {
            Floor::Http => Operation::Find,
            Floor::Log => self.operation,
        }
    }
}

/// The connections of each case; the targets are for the middle one.
pub(crate) const CONNECTIONS: [usize; 3] = [1, 64, 256];
/// The cache of a server that is to find cold secrets: room for a few thousand.
pub(crate) const COLD_CACHE_BYTES: u64 = 1 << 20;
/// Connections for which the targets are.
pub(crate) const TARGET_CONNECTIONS: usize = 64;

/// The cases on a small or a large world, in the order of the table.
pub(crate) fn cases(large: bool) -> Vec<Case> {
    use Asked::{All, Cold, Hot, Sample};
    use Operation::{Find, List, Mix, Set, SetWithKey};
    let case = |name, operation, asked, floor, target, p99| Case { name, operation, asked, floor, target, p99 };
    let mut cases = vec![
        case("find, hot", Find, Hot, Floor::Http, Some(0.75), P99::TimesFloor(2.0)),
        case("list, hot", List, Hot, Floor::Http, None, P99::Any),
        case("set", Set, Sample, Floor::Log, Some(0.5), P99::Milliseconds(10.0)),
        case("set, fresh idempotency key", SetWithKey, Sample, Floor::Log, Some(0.4), P99::Milliseconds(10.0)),
        case("90 % find + 10 % set", Mix, Sample, Floor::Log, Some(0.7), P99::Any),
    ];
    if large {
        cases.extend([
            case("set, any", Set, All, Floor::Log, None, P99::Any),
            case("90 % find + 10 % set, any", Mix, All, Floor::Log, None, P99::Any),
            case("find, cold", Find, Cold, Floor::Http, Some(0.55), P99::Any),
        ]);
    }
    cases
}
