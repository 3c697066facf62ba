//! The files that expressions may read, and the paths that lead to them.

/// Access to the files that functions read, such as `file("policy.json")`.
///
/// Paths are relative to the directory of the root module. The implementation refuses files that the configuration must not read.
pub trait ReadableFiles {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// A sentence for the diagnostic that says why the file cannot be read.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Whether there is a file at `path`.
    ///
    /// # Errors
    ///
    /// A sentence for the diagnostic.
    fn contains_file(&self, path: &str) -> Result<bool, String>;

    /// Lists the files under the folder at `path`, at any depth. The results are relative to it, with `/` as separator.
    ///
    /// # Errors
    ///
    /// A sentence for the diagnostic that says why the files cannot be listed.
    fn list_files(&self, path: &str) -> Result<Vec<String>, String>;
}

/// The directory of the root module, relative to itself.
pub const ROOT_DIRECTORY: &str = ".";

/// Joins a path to a directory and normalizes it: no `.`, no empty parts, `..` only at the start. `a/b` and `../c` give `a/c`.
#[must_use]
pub fn join_path(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in directory.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ROOT_DIRECTORY.to_owned() } else { parts.join("/") }
}
