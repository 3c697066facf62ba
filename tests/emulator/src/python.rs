//! The Python virtual environments of the emulators and linters. Each is created once below the target directory, by the first test that needs it.

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENTS: &str = include_str!("../requirements.txt");
const MINISTACK: &str = include_str!("../ministack.txt");

/// The interpreter of the emulator's environment.
pub fn interpreter() -> PathBuf {
    environment(REQUIREMENTS)
}

/// The interpreter of ministack's environment. ministack needs other package versions than moto.
pub fn ministack() -> PathBuf {
    environment(MINISTACK)
}

/// The interpreter of an environment with these packages. If several test binaries need it at once, one creates it and the others wait.
pub fn environment(requirements: &str) -> PathBuf {
    let home = home(requirements);
    let python = home.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let complete = home.join("complete");
    fs::create_dir_all(&home).expect("the target directory is writable");
    let lock = File::create(home.with_extension("lock")).expect("the target directory is writable");
    lock.lock().expect("the file system supports locks");
    if !complete.exists() {
        fs::remove_dir_all(&home).expect("an unfinished environment can be removed");
        create(&home, &python, requirements);
        File::create(&complete).expect("the environment is writable");
    }
    python
}

/// The directory of an environment. Changed requirements give a new directory.
fn home(requirements: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    requirements.hash(&mut hasher);
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        |dir| Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(dir),
    );
    target.join("emulator").join(format!("venv-{:016x}", hasher.finish()))
}

fn create(home: &Path, python: &Path, packages: &str) {
    let requirements = home.with_extension("txt");
    run(Command::new("python3").args(["-m", "venv"]).arg(home), "these tests need python3 with its venv module");
    fs::write(&requirements, packages).expect("the target directory is writable");
    run(
        Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&requirements),
        "the packages of tests/emulator could not be installed",
    );
}

fn run(command: &mut Command, problem: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{problem}: {error}"));
    assert!(output.status.success(), "{problem}:\n{}", String::from_utf8_lossy(&output.stderr));
}
