//! Property test: the invariant of key rotation for any order of events. Time passes, runs complete or are killed between any two writes,
//! AWS answers slowly, a person creates keys by hand, owners and stores change, consumers read the store at any time.

use jiff::SignedDuration;
use leasehold_provider::ResourceKind;
use proptest::prelude::*;

use super::*;

const OVERLAP: u32 = 24 * 3600;
const ROTATE_EVERY: u32 = 10 * OVERLAP;

#[derive(Debug, Clone)]
enum Event {
    /// So many minutes pass.
    AdvanceTime(i64),
    /// A run completes. The response to the creation of a key takes `latency` seconds.
    Run { latency: i64 },
    /// A run is killed after `after` writes. A creation and a delivery are one write each.
    Killed { after: usize, latency: i64 },
    /// A run for which AWS does not list the delivered keys of the last `seconds` seconds.
    StaleList { seconds: i64 },
    /// A person creates a key by hand.
    UnmanagedKey,
    /// The active key with that index is used.
    Use(usize),
    /// The identity gets another owner.
    Owner(u8),
    /// The identity gets another store. No store is used a second time.
    Store,
    /// A consumer reads the store.
    Read,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..4000i64).prop_map(Event::AdvanceTime),
        6 => latency().prop_map(|latency| Event::Run { latency }),
        4 => (0..5usize, latency()).prop_map(|(after, latency)| Event::Killed { after, latency }),
        3 => (0..120i64).prop_map(|seconds| Event::StaleList { seconds }),
        1 => Just(Event::UnmanagedKey),
        2 => (0..4usize).prop_map(Event::Use),
        1 => (0..3u8).prop_map(Event::Owner),
        1 => Just(Event::Store),
        4 => Just(Event::Read),
    ]
}

/// How long the response to a creation takes, in seconds. Zero is a case of its own because rehearsed runs take no time.
fn latency() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0..400i64]
}

#[derive(Debug)]
struct World {
    now: Timestamp,
    next_id: u32,
    owner: u8,
    store: u32,
    keys: BTreeMap<ResourceId, LiveKey>,
    active: BTreeMap<ResourceId, bool>,
    /// The keys that consumers have read, each with the instant until which it must work.
    read: Vec<(ResourceId, Timestamp)>,
}

impl World {
    fn new() -> Self {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let (keys, active, read) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { now, next_id: 0, owner: 0, store: 0, keys, active, read }
    }

    fn terms(&self) -> KeyRotation {
        let span = |seconds| Span::from_seconds(seconds).unwrap();
        KeyRotation { store: format!("s{}", self.store), rotate_every: span(ROTATE_EVERY), overlap: span(OVERLAP) }
    }

    fn decide(&self) -> DesiredKeys {
        self.decide_behind(0)
    }

    /// The decision of a run for which AWS does not list the delivered keys of the last `seconds` seconds.
    fn decide_behind(&self, seconds: i64) -> DesiredKeys {
        let (terms, owner) = (self.terms(), self.owner.to_string());
        let young = |key: &LiveKey| {
            let made_at = key.created_at.filter(|_| key.delivered.is_some());
            made_at.is_some_and(|at| self.now.duration_since(at) < SignedDuration::from_secs(seconds))
        };
        let shown = self.keys.iter().filter(|(_, key)| !young(key)).map(|(id, key)| (id.clone(), key.clone()));
        let unlisted_deliveries = self.keys.iter().filter(|(_, key)| young(key));
        let unlisted_deliveries = unlisted_deliveries
            .filter_map(|(id, key)| Some((id.local_name().to_owned(), key.delivered.clone()?)))
            .collect();
        let issue = KeyIssue {
            terms: &terms,
            owner: &owner,
            environment: None,
            unlisted_deliveries: Some(&unlisted_deliveries),
        };
        let keys = decide_keys(Some(issue), &shown.collect(), self.now);
        let has_one = unlisted_deliveries.values().any(|delivery| delivery.held);
        assert!(keys.new.is_none() || !has_one, "a key is made for one who has one: {self:?}");
        keys
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        // The invariant: a key that a consumer has read works until its instant.
        for (id, until) in &self.read {
            let works = self.active.get(id) == Some(&true);
            assert!(works || *until <= self.now, "{id} was read, and does not work until {until}: {self:?}");
        }
    }

    fn make(&mut self) -> ResourceId {
        self.next_id += 1;
        // Ids are not in the order of creation.
        let id =
            ResourceId::new(ResourceKind::new("key"), format!("ci/{:08x}", self.next_id.wrapping_mul(0x9E37_79B1)));
        assert!(self.keys.len() < MAX_KEYS_PER_USER, "a third key is made: {self:?}");
        self.keys.insert(id.clone(), LiveKey { created_at: Some(self.now), ..LiveKey::default() });
        self.active.insert(id.clone(), true);
        id
    }

    fn deliver(&mut self, id: &ResourceId, new: &NewKey) {
        for key in self.keys.values_mut() {
            if let Some(delivery) = key.delivered.as_mut().filter(|delivery| delivery.store == new.store) {
                delivery.held = false;
            }
        }
        let (store, owner) = (new.store.clone(), Some(new.owner.clone()));
        // Like the secret store: each delivery is later than all earlier ones.
        let before = self.keys.values().filter_map(|key| Some(key.delivered.as_ref()?.at)).max();
        let at = before.map_or(self.now, |before| self.now.max(before + SignedDuration::from_secs(1)));
        let delivery = Delivery { store, at, held: true, owner, environment: None };
        self.keys.get_mut(id).unwrap().delivered = Some(delivery);
    }

    /// A run that is killed after `writes` writes. The order is that of a plan: deletions, changes, creation, delivery.
    fn run(&mut self, writes: usize, latency: i64) {
        self.carry_out(self.decide(), writes, latency);
    }

    fn carry_out(&mut self, keys: DesiredKeys, mut writes: usize, latency: i64) {
        let mut may_write = || {
            let may = writes > 0;
            writes = writes.saturating_sub(1);
            may
        };
        for (id, _) in
            keys.dispositions.iter().filter(|(_, disposition)| matches!(disposition, KeyDisposition::Deleted(_)))
        {
            if !may_write() {
                return;
            }
            self.keys.remove(id);
            self.active.remove(id);
        }
        for (id, disposition) in
            keys.dispositions.iter().filter(|(_, disposition)| !matches!(disposition, KeyDisposition::Deleted(_)))
        {
            let works = matches!(disposition, KeyDisposition::Active);
            if self.active.get(id) == Some(&works) {
                continue;
            }
            if !may_write() {
                return;
            }
            self.active.insert(id.clone(), works);
        }
        self.pass(0);
        let Some(new) = keys.new.filter(|_| may_write()) else { return };
        let id = self.make();
        self.pass(latency);
        self.read();
        if may_write() {
            self.deliver(&id, &new);
        }
    }

    fn read(&mut self) {
        let store = format!("s{}", self.store);
        let held = |key: &LiveKey| key.delivered.as_ref().is_some_and(|d| d.held && d.store == store);
        let found: Vec<ResourceId> = self.keys.iter().filter(|(_, key)| held(key)).map(|(id, _)| id.clone()).collect();
        assert!(found.len() <= 1, "a store hands out one key: {self:?}");
        let until = self.now + SignedDuration::from_secs(i64::from(OVERLAP));
        self.read.extend(found.into_iter().map(|id| (id, until)));
    }

    /// What must be true after a completed run.
    fn assert_settled(&self) {
        assert!(self.keys.values().all(|key| key.delivered.is_some()), "an undelivered key is left: {self:?}");
        let keys = self.decide();
        assert_eq!(keys.new, None, "{self:?}");
        for (id, disposition) in &keys.dispositions {
            let as_it_is = match disposition {
                KeyDisposition::Active => self.active[id],
                KeyDisposition::Disabled { .. } => !self.active[id],
                KeyDisposition::Deleted(_) => false,
            };
            assert!(as_it_is, "{id} must be {disposition:?}: {self:?}");
        }
        assert!(self.active.values().any(|active| *active), "no key works: {self:?}");
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::AdvanceTime(minutes) => self.pass(minutes * 60),
            Event::Run { latency } => {
                self.run(usize::MAX, *latency);
                self.assert_settled();
            }
            Event::Killed { after, latency } => self.run(*after, *latency),
            Event::StaleList { seconds } => self.carry_out(self.decide_behind(*seconds), usize::MAX, 1),
            Event::UnmanagedKey if self.keys.len() < MAX_KEYS_PER_USER => drop(self.make()),
            Event::UnmanagedKey => {}
            Event::Use(number) => {
                let active = |(id, _): &(&ResourceId, &mut LiveKey)| self.active[*id];
                let now = self.now;
                if let Some((_, key)) = self.keys.iter_mut().filter(active).nth(*number) {
                    key.last_used = Some(now);
                }
            }
            Event::Owner(owner) => self.owner = *owner,
            Event::Store => self.store += 1,
            Event::Read => self.read(),
        }
        self.pass(0);
    }
}

/// How many histories are tried; `LEASEHOLD_KEY_CASES` overrides the number.
#[allow(clippy::disallowed_methods, reason = "a test reads how many cases to run")]
fn cases() -> u32 {
    std::env::var("LEASEHOLD_KEY_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2000)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn stored_keys_stay_active_and_undelivered_keys_are_deleted(
        events in proptest::collection::vec(event(), 1..60),
    ) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
        }
        // Whatever happened before, one complete run must reach the desired state.
        world.happen(&Event::Run { latency: 1 });
    }
}
