//! The operations of the store, on three implementations of S3: moto, ministack, and SeaweedFS 4.48, a server that people run in production
//! (Apache-2.0, from PyPI). All three check signatures and payload hashes.
//!
//! What differs from AWS is said where it is tested. Other servers, as of 2026-11-30: no package of crates.io, PyPI, npm or Debian has MinIO or
//! Versity Gateway, and `rustfs` on crates.io is 0.0.2. Garage 2.5 is on crates.io, under the AGPL, to be compiled for minutes. Debian has Ceph's
//! gateway, which needs 63 packages and a cluster of Ceph. OpenStack Swift (PyPI) has no object lock. None of these was tried.

use std::path::Path;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::region::Region;
use leasehold::config::declared::{Backend, BackendLocation, ObjectLockRetention, RetentionMode, S3Bucket};
use leasehold::store::{self, Store, StoreErrorKind, WriteOutcome, lock};
use leasehold_emulator::{Emulator, SeaweedFs};
use leasehold_provider::StackName;
use serde_json::json;

/// A server of S3, and an emulator whose boto3 speaks to it.
struct S3 {
    name: &'static str,
    endpoint: String,
    emulator: Emulator,
    /// Ends with the test.
    _server: Option<SeaweedFs>,
}

impl S3 {
    fn moto() -> Self {
        Self::of_emulator("moto", Emulator::moto())
    }

    fn ministack() -> Self {
        Self::of_emulator("ministack", Emulator::ministack())
    }

    fn of_emulator(name: &'static str, emulator: Emulator) -> Self {
        Self { name, endpoint: emulator.endpoint(), emulator, _server: None }.with_buckets()
    }

    fn seaweedfs() -> Self {
        let server = SeaweedFs::launch();
        let endpoint = server.endpoint();
        Self { name: "SeaweedFS", endpoint, emulator: Emulator::moto(), _server: Some(server) }.with_buckets()
    }

    /// `records` has object lock, `plain` has not.
    fn with_buckets(self) -> Self {
        self.boto3(
            "s3.create_bucket(Bucket='records', ObjectLockEnabledForBucket=True); s3.create_bucket(Bucket='plain')",
        );
        self
    }

    /// Runs a snippet with `s3` at hand.
    fn boto3(&self, snippet: &str) -> serde_json::Value {
        let client = format!(
            "import boto3\ns3 = boto3.client('s3', endpoint_url='{}', region_name='us-east-1', aws_access_key_id='test', aws_secret_access_key='test')",
            self.endpoint
        );
        self.emulator.boto3(&format!("{client}\n{snippet}"))
    }

    /// Deletes an object of the bucket `records`.
    fn delete(&self, key: &str) {
        self.boto3(&format!("s3.delete_object(Bucket='records', Key='iam/a stack+x=1/{key}')"));
    }

    async fn store(&self, bucket: &str, retention: Option<ObjectLockRetention>) -> Store {
        self.store_with(bucket, retention, "test").await
    }

    async fn store_with(&self, bucket: &str, retention: Option<ObjectLockRetention>, secret: &str) -> Store {
        let bucket = S3Bucket {
            name: bucket.to_owned(),
            prefix: Some("iam/a stack+x=1".to_owned()),
            region: None,
            endpoint: None,
            retention,
            kms_key_id: None,
            profile: None,
            assume_role: None,
        };
        let backend = Backend { place: BackendLocation::S3(bucket), lock_lease: None };
        let credentials = Credentials::new("test", secret, None, None, "test");
        let chain = SdkConfig::builder()
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&self.endpoint)
            .build();
        store::open_backend(&backend, "second", Path::new("."), async || chain).await.unwrap()
    }
}

const RETENTION: &str = "1d";

fn retention() -> Option<ObjectLockRetention> {
    Some(ObjectLockRetention { mode: RetentionMode::Governance, period: RETENTION.parse().unwrap() })
}

async fn text(store: &Store, key: &str) -> Option<String> {
    store.read_object(key).await.unwrap().map(|object| String::from_utf8(object.bytes).unwrap())
}

async fn conditional_writes(s3: &S3) {
    let store = s3.store("records", None).await;
    assert_eq!(text(&store, "a").await, None);
    let WriteOutcome::Written(first) = store.create_object("a", b"one").await.unwrap() else {
        panic!("{}: nothing was there", s3.name)
    };
    assert_eq!(store.create_object("a", b"two").await.unwrap(), WriteOutcome::PreconditionFailed, "{}", s3.name);
    assert_eq!(text(&store, "a").await.as_deref(), Some("one"));
    let WriteOutcome::Written(second) = store.replace_object("a", b"three", &first).await.unwrap() else {
        panic!("{}: it is so", s3.name)
    };
    assert_eq!(
        store.replace_object("a", b"four", &first).await.unwrap(),
        WriteOutcome::PreconditionFailed,
        "{}",
        s3.name
    );
    assert_eq!(store.read_object("a").await.unwrap().unwrap().version, second, "{}", s3.name);
    assert_eq!(text(&store, "a").await.as_deref(), Some("three"));
    s3.delete("a");
    assert_eq!(text(&store, "a").await, None);
    // AWS answers 404, ministack and SeaweedFS 412: the object is not in the state that was named, and nothing is written.
    assert_eq!(
        store.replace_object("a", b"five", &second).await.unwrap(),
        WriteOutcome::PreconditionFailed,
        "{}",
        s3.name
    );
    assert_eq!(text(&store, "a").await, None);
    assert!(matches!(store.create_object("a", b"six").await.unwrap(), WriteOutcome::Written(_)), "{}", s3.name);
}

/// Of several writers at once, one writes.
async fn races(s3: &S3) {
    let store = s3.store("records", None).await;
    let bodies: Vec<String> = (0..8).map(|n| format!("writer {n}")).collect();
    let created = bodies.iter().map(|body| store.create_object("race", body.as_bytes()));
    let created = futures::future::try_join_all(created).await.unwrap();
    assert_eq!(
        created.iter().filter(|written| **written != WriteOutcome::PreconditionFailed).count(),
        1,
        "{}: {created:?}",
        s3.name
    );
    let version = store.read_object("race").await.unwrap().unwrap().version;
    let bodies: Vec<String> = (0..8).map(|n| format!("later writer {n}")).collect();
    let replaced = bodies.iter().map(|body| store.replace_object("race", body.as_bytes(), &version));
    let replaced = futures::future::try_join_all(replaced).await.unwrap();
    assert_eq!(
        replaced.iter().filter(|written| **written != WriteOutcome::PreconditionFailed).count(),
        1,
        "{}: {replaced:?}",
        s3.name
    );
}

/// More names than one page of S3 has, which is 1,000.
async fn listing(s3: &S3) {
    let store = s3.store("plain", None).await;
    let names: Vec<String> = (0..1003).map(|n| format!("{n:06}.json")).collect();
    for some in names.chunks(16) {
        let keys: Vec<String> = some.iter().map(|name| format!("ledger/{name}")).collect();
        futures::future::try_join_all(keys.iter().map(|key| store.create_object(key, key.as_bytes()))).await.unwrap();
    }
    store.create_object("ledgers/other.json", b"").await.unwrap();
    assert_eq!(store.list_names("ledger").await.unwrap(), names, "{}", s3.name);
    assert_eq!(store.list_names_after("ledger", Some("001000.json"), 9).await.unwrap(), ["001001.json", "001002.json"]);
    assert_eq!(store.list_names_after("ledger", Some("000000.json"), 1).await.unwrap(), ["000001.json"], "{}", s3.name);
    assert_eq!(store.list_names("nothing").await.unwrap(), Vec::<String>::new());
    let keys = ["ledger/000007.json", "ledger/none.json", "ledger/001002.json"].map(str::to_owned).to_vec();
    let read = store.read_objects(keys).await.unwrap();
    assert_eq!(read, [Some(b"ledger/000007.json".to_vec()), None, Some(b"ledger/001002.json".to_vec())]);
}

/// What is kept has a retention; what is written again and again has none.
async fn object_lock(s3: &S3) {
    let store = s3.store("records", retention()).await;
    let large = vec![b'x'; 300_000];
    assert!(matches!(store.create_retained_object("evidence/large", &large).await.unwrap(), WriteOutcome::Written(_)));
    assert_eq!(
        store.create_retained_object("evidence/large", b"other").await.unwrap(),
        WriteOutcome::PreconditionFailed,
        "{}",
        s3.name
    );
    store.create_object("lock.json", b"free").await.unwrap();
    let kept = s3.boto3(
        r#"
prefix = 'iam/a stack+x=1/'
def seen(key):
    head = s3.head_object(Bucket='records', Key=prefix + key)
    try:
        s3.delete_object(Bucket='records', Key=prefix + key, VersionId=head['VersionId'])
        deleted = 'deleted'
    except Exception as error:
        deleted = error.response['Error']['Code']
    return [head.get('ObjectLockMode'), 'ObjectLockRetainUntilDate' in head, deleted]
print([seen('evidence/large'), seen('lock.json')])
"#,
    );
    assert_eq!(kept, json!([["GOVERNANCE", true, "AccessDenied"], [null, false, "deleted"]]), "{}", s3.name);
    // The last version is retained, and a delete only hides it.
    s3.delete("evidence/large");
    assert_eq!(text(&store, "evidence/large").await, None);
    assert_eq!(text(&store, "lock.json").await, None, "{}", s3.name);
    let refused =
        s3.store("plain", retention()).await.create_retained_object("evidence/large", &large).await.unwrap_err();
    // SeaweedFS does not say what is invalid.
    let kind = if s3.name == "SeaweedFS" { StoreErrorKind::Other } else { StoreErrorKind::NoObjectLock };
    assert_eq!(refused.kind, kind, "{}: {refused}", s3.name);
}

async fn locking(s3: &S3) {
    let store = s3.store("records", None).await;
    let holder = lock::LockHolder {
        actor: "jane".to_owned(),
        host: "here".to_owned(),
        process: 1,
        pipeline: None,
        job: std::collections::BTreeMap::new(),
    };
    let stack = StackName::new("second").unwrap();
    let claim = lock::LockClaim { stack: &stack, holder: &holder, what: "apply" };
    let terms = lock::LockTimes::default();
    let lock::LockAnswer::Acquired(guard) = lock::request_lock(&store, claim, terms).await.unwrap() else {
        panic!("free")
    };
    assert!(guard.may_write());
    let lock::LockAnswer::HeldByOther(other) = lock::request_lock(&store, claim, terms).await.unwrap() else {
        panic!("held")
    };
    assert_eq!(other.epoch, 1, "{}", s3.name);
    guard.release_lock(lock::KnownLedger::default()).await.unwrap();
    let lock::LockAnswer::Acquired(guard) = lock::request_lock(&store, claim, terms).await.unwrap() else {
        panic!("free")
    };
    let (record, _) = lock::read_lock(&store, &stack).await.unwrap().unwrap();
    assert_eq!((record.epoch, guard.epoch().await), (2, 2), "{}", s3.name);
    assert!(lock::break_lock(&store, &stack, &record).await.unwrap());
    let (record, _) = lock::read_lock(&store, &stack).await.unwrap().unwrap();
    assert!(record.free);
}

async fn refusals(s3: &S3) {
    let refused = s3.store("absent", None).await.create_object("a", b"one").await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::NoBucket, "{}: {refused}", s3.name);
    let refused = s3.store_with("records", None, "another").await.create_object("b", b"one").await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Signature, "{}: {refused}", s3.name);
    assert_eq!(text(&s3.store("records", None).await, "b").await, None);
}

async fn conform(s3: S3) {
    conditional_writes(&s3).await;
    races(&s3).await;
    listing(&s3).await;
    object_lock(&s3).await;
    locking(&s3).await;
    refusals(&s3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moto_does_what_the_store_needs() {
    conform(S3::moto()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ministack_does_what_the_store_needs() {
    conform(S3::ministack()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seaweedfs_does_what_the_store_needs() {
    conform(S3::seaweedfs()).await;
}
