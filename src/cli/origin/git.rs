//! Reads the commit of a work tree from its `.git` without starting git. The configuration of a repository can make git run any command
//! (`core.fsmonitor`), and the author of a pull request controls the files of the repository.
//!
//! Only a directory or file called `.git` counts, because git never checks one out; a repository among the files, such as
//! `identities/{HEAD,config,objects,refs}`, does not count. Only regular files are read, and links are not followed. Anything that is not
//! in git's format gives `None`.
//!
//! The format: <https://git-scm.com/docs/gitrepository-layout>.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::clean::parse_commit_id;

/// The maximum that is read of `HEAD`, of a ref, and of the files that point to a directory, in bytes.
const SHORT_FILE: u64 = 4096;

/// The maximum that is read of `packed-refs`, in bytes: enough for half a million refs.
const PACKED_REFS: u64 = 64 * 1024 * 1024;

/// How many symbolic refs are followed. `HEAD` is one: it names another ref.
const DEEPEST: usize = 5;

/// The commit that is checked out at or above `directory`. `None`: there is no `.git`, or it cannot be read.
pub fn read_commit(directory: &Path) -> Option<String> {
    let whole = directory.canonicalize().ok()?;
    let dot_git = whole.ancestors().map(|above| above.join(".git")).find(|path| path.symlink_metadata().is_ok())?;
    let own = find_git_directory(&dot_git)?;
    // An additional work tree shares its refs with the main one.
    let common = match read_short_file(&own.join("commondir")) {
        Some(path) => own.join(path.trim_end_matches('\n')),
        None => own.clone(),
    };
    let mut text = read_short_file(&own.join("HEAD"))?;
    for _ in 0..DEEPEST {
        let line = text.trim_end();
        let Some(name) = line.strip_prefix("ref:") else { return parse_whole_id(line) };
        let name = name.trim();
        if !is_ref_name(name) {
            return None;
        }
        match read_loose_ref(&own, name).or_else(|| read_loose_ref(&common, name)) {
            Some(next) => text = next,
            None => return read_packed_ref(&common, name),
        }
    }
    None
}

/// The git directory: `.git` itself, or the path in the file `.git`, `gitdir: PATH`.
fn find_git_directory(dot_git: &Path) -> Option<PathBuf> {
    let kind = dot_git.symlink_metadata().ok()?.file_type();
    if kind.is_dir() {
        return Some(dot_git.to_owned());
    }
    let text = read_short_file(dot_git)?;
    let named = text.strip_prefix("gitdir:")?.trim();
    let directory = dot_git.parent()?.join(named);
    directory.symlink_metadata().ok()?.is_dir().then_some(directory)
}

/// The content of a ref that has its own file. `None` also if any part of the path is a link.
fn read_loose_ref(directory: &Path, name: &str) -> Option<String> {
    let mut path = directory.to_owned();
    for part in name.split('/') {
        path.push(part);
        if path.symlink_metadata().ok()?.file_type().is_symlink() {
            return None;
        }
    }
    read_short_file(&path)
}

/// The commit of a ref in `packed-refs`, whose lines are an id, a space and a name.
fn read_packed_ref(directory: &Path, name: &str) -> Option<String> {
    let lines = BufReader::new(open_regular_file(&directory.join("packed-refs"))?.take(PACKED_REFS)).split(b'\n');
    let mut ids = lines.map_while(Result::ok).filter_map(|line| {
        let line = String::from_utf8(line).ok()?;
        let (id, of) = line.split_once(' ')?;
        (of.trim_end() == name).then(|| parse_whole_id(id)).flatten()
    });
    ids.next()
}

/// Whether this is a name below `refs/` that cannot lead out of that directory.
fn is_ref_name(name: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':']);
    name.starts_with("refs/") && !name.chars().any(char::is_control) && name.split('/').all(is_plain)
}

/// A full id: 40 hexadecimal digits (SHA-1) or 64 (SHA-256).
fn parse_whole_id(text: &str) -> Option<String> {
    parse_commit_id(text).filter(|id| matches!(id.len(), 40 | 64))
}

fn read_short_file(path: &Path) -> Option<String> {
    let mut text = String::new();
    open_regular_file(path)?.take(SHORT_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Opens a regular file. Anything else gives `None`: a link may lead outside, and reading a pipe would never end.
fn open_regular_file(path: &Path) -> Option<File> {
    path.symlink_metadata().ok()?.is_file().then(|| File::open(path).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    /// Creates the files of a repository, each with its content.
    fn repository(files: &[(&str, &str)]) -> TempDir {
        let home = TempDir::new().unwrap();
        fs::create_dir_all(home.path().join("tree/stacks/prod")).unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        home
    }

    fn commit(home: &TempDir) -> Option<String> {
        read_commit(&home.path().join("tree/stacks/prod"))
    }

    #[test]
    fn a_branch_is_a_file_or_packed() {
        let head = ("tree/.git/HEAD", "ref: refs/heads/feature/x\n");
        let packed = (
            "tree/.git/packed-refs",
            "# pack-refs with: peeled\n2222222222222222222222222222222222222222 refs/heads/feature/x\n^3333333333333333333333333333333333333333\n",
        );
        assert_eq!(commit(&repository(&[head, packed])).as_deref(), Some(B));
        let file = ("tree/.git/refs/heads/feature/x", "1111111111111111111111111111111111111111\n");
        assert_eq!(commit(&repository(&[head, packed, file])).as_deref(), Some(A));
        assert_eq!(commit(&repository(&[head])), None, "a branch without a commit");
    }

    #[test]
    fn a_detached_head_is_a_commit_of_either_length() {
        let sha256 = "a".repeat(64);
        for id in [A, &sha256] {
            assert_eq!(commit(&repository(&[("tree/.git/HEAD", &format!("{id}\n"))])).as_deref(), Some(id));
        }
    }

    #[test]
    fn further_work_trees_and_submodules_are_followed() {
        let worktree = repository(&[
            ("tree/.git", "gitdir: ../first/.git/worktrees/tree\n"),
            ("first/.git/worktrees/tree/HEAD", "ref: refs/heads/topic\n"),
            ("first/.git/worktrees/tree/commondir", "../..\n"),
            ("first/.git/HEAD", "ref: refs/heads/main\n"),
            ("first/.git/refs/heads/main", A),
            ("first/.git/refs/heads/topic", B),
        ]);
        assert_eq!(commit(&worktree).as_deref(), Some(B));
        let submodule = repository(&[("tree/.git", "gitdir: ../.git/modules/tree\n"), (".git/modules/tree/HEAD", A)]);
        assert_eq!(commit(&submodule).as_deref(), Some(A));
    }

    #[test]
    fn what_git_does_not_write_gives_nothing() {
        let long = format!("ref: refs/heads/{}\n", "x".repeat(100_000));
        let heads = [
            "",
            "\n",
            "ref:",
            "ref: refs/heads/../../../secret",
            "ref: /etc/passwd",
            "ref: refs/heads/main",
            "1234567",
            "HEAD",
            &long,
        ];
        for head in heads {
            let home = repository(&[
                ("tree/.git/HEAD", head),
                ("secret", A),
                ("tree/.git/refs/heads/main", "ref: refs/heads/main"),
            ]);
            assert_eq!(commit(&home), None, "{head:?}");
        }
        assert_eq!(commit(&repository(&[("tree/.git", "gitdir: nowhere\n")])), None);
        assert_eq!(commit(&repository(&[("tree/.git", "not a pointer")])), None);
        assert_eq!(commit(&repository(&[("tree/.git/HEAD/x", "")])), None, "a directory for a file");
    }

    #[test]
    fn a_repository_among_the_files_does_not_count() {
        let home = repository(&[
            ("tree/.git/HEAD", A),
            ("tree/stacks/prod/HEAD", B),
            ("tree/stacks/prod/config", "[core]\n\tfsmonitor = touch /tmp/x\n"),
            ("tree/stacks/prod/refs/.keep", ""),
            ("tree/stacks/prod/objects/.keep", ""),
        ]);
        assert_eq!(commit(&home).as_deref(), Some(A));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;
        let head = ("tree/.git/HEAD", "ref: refs/heads/main\n");
        let home = repository(&[head, ("outside", A)]);
        fs::create_dir_all(home.path().join("tree/.git/refs/heads")).unwrap();
        symlink(home.path().join("outside"), home.path().join("tree/.git/refs/heads/main")).unwrap();
        assert_eq!(commit(&home), None, "a ref");
        let home = repository(&[head, ("outside/heads/main", A)]);
        symlink(home.path().join("outside"), home.path().join("tree/.git/refs")).unwrap();
        assert_eq!(commit(&home), None, "a directory of refs");
        let home = repository(&[("outside/HEAD", A)]);
        symlink(home.path().join("outside"), home.path().join("tree/.git")).unwrap();
        assert_eq!(commit(&home), None, "the repository");
    }
}
