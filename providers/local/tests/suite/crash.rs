//! A process killed at any moment leaves an intact file with every change that was reported as written.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::create_change;
use futures::StreamExt as _;
use leasehold_local::LocalRealizer;
use leasehold_provider::{Enact as _, ObjectIds as _, Principal};

const FILE: &str = "LEASEHOLD_TEST_DIRECTORY";
const FIRST: &str = "LEASEHOLD_TEST_FIRST";

/// Not a test: the process that is killed. It creates identities until then, and prints the name of each one created.
#[tokio::test]
#[ignore = "started and killed by reported_changes_survive_a_kill"]
async fn writes_until_killed() {
    let Some(file) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    let first: u32 = std::env::var(FIRST).unwrap().parse().unwrap();
    let (directory, stack) = (crate::common::directory_at(&file), crate::common::stack_name());
    let joiners = futures::stream::iter(first..first + 100_000).map(|number| {
        let (directory, stack) = (&directory, &stack);
        async move {
            let name = format!("role_{number}");
            for resource in crate::common::active_resources(&crate::common::role_identity(&name)) {
                directory.enact_change(stack, &create_change(&resource)).await.unwrap();
            }
            writeln!(std::io::stdout(), "joined {name}").unwrap();
        }
    });
    joiners.buffer_unordered(8).collect::<()>().await;
}

#[tokio::test]
async fn reported_changes_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("directory.db");
    let mut joined = Vec::new();
    for round in 0_u32..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::writes_until_killed", "--ignored", "--nocapture"])
            .env(FILE, &file)
            .env(FIRST, (round * 100_000).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reported = std::thread::spawn(move || {
            let names = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("joined ").map(str::to_owned));
            names.collect::<Vec<_>>()
        });
        // From before the first write to long after it, at a different point of a transaction in each round.
        std::thread::sleep(Duration::from_millis(u64::from(5 + round * 23 + (round * round) % 17)));
        child.kill().unwrap();
        child.wait().unwrap();
        joined.extend(reported.join().unwrap());
        check_intact(&file, &joined).await;
    }
    assert!(!joined.is_empty(), "nothing was written before the kills");
}

async fn check_intact(file: &std::path::Path, joined: &[String]) {
    let directory = crate::common::directory_at(file);
    let snapshot = crate::common::observe_directory(&directory).await;
    for name in joined {
        let live = &snapshot.identities[&LocalRealizer.principal_id(Principal::Role, name)];
        for resource in crate::common::active_resources(&crate::common::role_identity(name)) {
            assert_eq!(live.resources[&resource.id], resource);
        }
    }
    if file.exists() {
        let connection = rusqlite::Connection::open(file).unwrap();
        let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok");
        let mut orphans = connection.prepare("PRAGMA foreign_key_check").unwrap();
        assert!(!orphans.exists([]).unwrap());
    }
}

#[tokio::test]
async fn concurrent_directories_share_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("directory.db");
    let writers = (0_u32..4).map(|writer| {
        let file = file.clone();
        async move {
            let directory = crate::common::directory_at(&file);
            for number in 0_u32..10 {
                for resource in
                    crate::common::active_resources(&crate::common::role_identity(&format!("role_{writer}_{number}")))
                {
                    directory.enact_change(&crate::common::stack_name(), &create_change(&resource)).await.unwrap();
                }
                crate::common::observe_directory(&directory).await;
            }
        }
    });
    futures::future::join_all(writers).await;
    assert_eq!(crate::common::observe_directory(&crate::common::directory_at(&file)).await.identities.len(), 40);
}
