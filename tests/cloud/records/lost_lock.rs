//! Who lost the lock writes no more, long before the lease would have ended.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use leasehold::config::declared::{Backend, BackendLocation};
use leasehold::store::{self, lock};
use leasehold_provider::StackName;

/// Renewed after a third, good for writing until a quarter before its end.
const LEASE: Duration = Duration::from_secs(9);

#[tokio::test]
async fn a_lock_that_somebody_broke_is_noticed_at_its_next_renewal() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend { place: BackendLocation::Local { path: "records".to_owned() }, lock_lease: None };
    let nothing = async || -> store::AwsAccess { panic!("a folder needs no AWS settings") };
    let store = store::open_backend(&backend, "many", folder.path(), nothing).await.unwrap();
    let holder = lock::LockHolder {
        actor: "jane".to_owned(),
        host: "here".to_owned(),
        process: 1,
        pipeline: None,
        job: BTreeMap::new(),
    };
    let terms = lock::LockTimes { lease: LEASE };
    let begun = Instant::now();
    let stack = StackName::new("many").unwrap();
    let claim = lock::LockClaim { stack: &stack, holder: &holder, what: "apply" };
    let asked = lock::request_lock(&store, claim, terms).await.unwrap();
    let lock::LockAnswer::Acquired(guard) = asked else { panic!("the lock must be free") };
    assert!(guard.may_write());
    let (record, _) = lock::read_lock(&store, &stack).await.unwrap().unwrap();
    assert!(lock::break_lock(&store, &stack, &record).await.unwrap());
    while guard.may_write() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(begun.elapsed() < LEASE / 2, "it went on for {:?}", begun.elapsed());
    // What is not ours is not given back.
    guard.release_lock(lock::KnownLedger::default()).await.unwrap();
    let (left, _) = lock::read_lock(&store, &stack).await.unwrap().unwrap();
    assert_eq!((left.counter, left.free), (record.counter + 1, true));
}
