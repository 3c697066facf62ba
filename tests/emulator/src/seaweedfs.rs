//! SeaweedFS: an S3 server that is used in production, in addition to the emulators.

use std::process::{Child, Command};

use crate::{env_of, python, start};

/// A running S3 server with an empty store. It stops when it is dropped, and when the test process ends.
#[derive(Debug)]
pub struct SeaweedFs {
    supervisor: Child,
    port: u16,
}

impl SeaweedFs {
    /// Starts SeaweedFS. Installs it below the target directory first if it is missing.
    ///
    /// # Panics
    /// SeaweedFS cannot be installed or does not start.
    #[must_use]
    pub fn launch() -> Self {
        let python = Command::new(python::environment(include_str!("../seaweedfs.txt")));
        let (supervisor, port) = start(python, include_str!("seaweedfs.py"));
        Self { supervisor, port }
    }

    /// The URL of S3, for `AWS_ENDPOINT_URL`.
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
        // At the end of its standard input the supervisor stops the server and exits.
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}
