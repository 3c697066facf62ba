//! SeaweedFS: a server of S3 that people run in production, beside the emulators.

use std::process::{Child, Command};

use crate::{env_of, python, start};

/// A running server of S3 with an empty store. Dropping it ends it; so does the death of the test.
#[derive(Debug)]
pub struct SeaweedFs {
    supervisor: Child,
    port: u16,
}

impl SeaweedFs {
    /// Starts SeaweedFS, installing it below the target directory first where that has not been done.
    ///
    /// # Panics
    /// Where it cannot be installed or does not start.
    #[must_use]
    pub fn launch() -> Self {
        let python = Command::new(python::environment(include_str!("../seaweedfs.txt")));
        let (supervisor, port) = start(python, include_str!("seaweedfs.py"));
        Self { supervisor, port }
    }

    /// Where S3 listens: for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The environment for a program under test, as [`Emulator::env`](crate::Emulator::env).
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        env_of(&self.endpoint())
    }
}

impl Drop for SeaweedFs {
    fn drop(&mut self) {
        // The end of its standard input ends the supervisor, after the server.
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}
