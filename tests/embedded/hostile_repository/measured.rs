//! Runs the program and measures its processor time and its memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// After this time a run counts as hanging, whatever else the machine does.
const LONGEST: Duration = Duration::from_secs(120);

/// The result of a run.
pub struct MeasuredRun {
    /// The exit code. `None`: a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Processor time of all its threads.
    pub seconds: f64,
    /// The most memory that was resident, in megabytes.
    pub megabytes: u64,
}

impl MeasuredRun {
    /// Runs the program in a folder, with a `PATH` of traps in `home`.
    pub fn of_program(home: &Path, directory: &Path, args: &[&str]) -> Self {
        let (out, err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let mut child = Command::new(leasehold_test_harness::program())
            .args(args)
            .current_dir(directory)
            .env_clear()
            .env("PATH", home.join("bin"))
            .env("HOME", home.join("outside"))
            .env("USER", "tester")
            .env("NO_COLOR", "1")
            .env("CANARY_TOKEN", "CANARY of the environment")
            .stdin(Stdio::piped())
            .stdout(out.try_clone().unwrap())
            .stderr(err.try_clone().unwrap())
            .spawn()
            .unwrap();
        let (process, start) = (child.id(), Instant::now());
        let mut megabytes = 0;
        // A process that has ended stays a zombie until it is waited for; its times can still be read.
        while !has_ended(process) {
            megabytes = megabytes.max(peak_megabytes(process));
            if start.elapsed() > LONGEST {
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let seconds = processor_seconds(process);
        let status = child.wait().unwrap();
        Self { code: status.code(), stdout: read_all(out), stderr: read_all(err), seconds, megabytes }
    }
}

fn read_all(mut file: std::fs::File) -> String {
    use std::io::{Read as _, Seek as _};
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The fields of `/proc/PID/stat` after the name of the program.
fn stat_fields(process: u32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = text.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_whitespace().map(str::to_owned).collect()
}

fn has_ended(process: u32) -> bool {
    stat_fields(process).first().is_none_or(|state| state == "Z" || state == "X")
}

/// User and system time, in seconds. Linux counts them in hundredths of a second.
fn processor_seconds(process: u32) -> f64 {
    let fields = stat_fields(process);
    let ticks = |index: usize| fields.get(index).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(f64::MAX);
    (ticks(11) + ticks(12)) / 100.0
}

/// The peak of resident memory so far, in megabytes. 0 where the process has ended.
fn peak_megabytes(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB"))
        .map_or(0, |kilobytes| kilobytes.trim().parse::<u64>().unwrap_or(0) / 1024)
}
