//! The law of the gate, on generated folders: whatever links there are, a path that is admitted leads to a file within the bound whose path
//! has no link and no hidden name, and what is read is that file.
#![cfg(unix)]
#![allow(missing_docs, reason = "names say it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use leasehold_files::{
    BoundedFolder, PathError, check_place_folder, read_argument, read_private_file, resolve_place, write_output,
    write_private_file,
};
use proptest::prelude::*;

/// Names that collide often, so that links, folders and files replace one another in paths.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", ".hidden", ".git", "..", "."]).prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..5).prop_map(|parts| parts.join("/"))
}

/// What a step creates at a path: a file, a folder, or a link with this target.
#[derive(Debug, Clone)]
enum Creation {
    File,
    Folder,
    Link(String),
}

fn creation() -> impl Strategy<Value = Creation> {
    let outside = prop::sample::select(vec!["../outside", "../../outside", "/etc/passwd", "../outside/canary"]);
    prop_oneof![
        Just(Creation::File),
        Just(Creation::Folder),
        path().prop_map(Creation::Link),
        outside.prop_map(|target| Creation::Link(target.to_owned())),
    ]
}

/// Creates what can be created; what is impossible, such as a file below a file, is skipped.
fn create(root: &Path, steps: &[(String, Creation)]) {
    for (path, creation) in steps.iter().filter(|(path, _)| !path.contains("..")) {
        let path = root.join(path);
        let _ = std::fs::create_dir_all(path.parent().unwrap());
        let inside = path.parent().unwrap().canonicalize().is_ok_and(|parent| parent.starts_with(root));
        let _ = match creation {
            _ if !inside => Ok(()),
            Creation::File if path.symlink_metadata().is_err() => {
                std::fs::write(&path, path.as_os_str().as_encoded_bytes())
            }
            Creation::File => Ok(()),
            Creation::Folder => std::fs::create_dir(&path),
            Creation::Link(target) => symlink(target, &path),
        };
    }
}

fn hidden(path: &Path) -> bool {
    path.iter().any(|name| name.as_encoded_bytes().starts_with(b"."))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_admitted_path_stays_within_the_bound(
        steps in prop::collection::vec((path(), creation()), 0..12),
        asked in prop::collection::vec(path(), 1..12),
    ) {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let root = home.join("root");
        std::fs::create_dir(&root).unwrap();
        std::fs::create_dir(home.join("outside")).unwrap();
        std::fs::write(home.join("outside/canary"), "canary").unwrap();
        create(&root, &steps);
        let folder = BoundedFolder::open_folder(&root, "the root").unwrap();
        for asked in asked {
            let Ok(located) = folder.locate(Path::new(&asked)) else { continue };
            let real = root.join(&located);
            prop_assert_eq!(real.canonicalize().unwrap(), real.clone(), "{} has a link", asked);
            prop_assert!(!hidden(&located), "{asked} is hidden");
            if let Ok(bytes) = folder.read_file(&located, 1 << 20) {
                prop_assert_eq!(bytes, std::fs::read(&real).unwrap());
            }
            for file in folder.list_files(&located).into_iter().flatten() {
                prop_assert!(!hidden(&file) && real.join(&file).canonicalize().unwrap().starts_with(&root));
            }
        }
    }

    #[test]
    fn a_place_is_reached_by_no_link_and_is_not_the_stack(
        steps in prop::collection::vec((path(), creation()), 0..12),
        named in prop_oneof![path(), path().prop_map(|path| format!("{{root}}/{path}"))],
    ) {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap().join("root");
        std::fs::create_dir_all(root.join("stack")).unwrap();
        std::fs::create_dir(root.join(".git")).unwrap();
        create(&root, &steps);
        let named = named.replace("{root}", root.to_str().unwrap());
        if let Ok(place) = resolve_place(&root.join("stack"), &named) {
            prop_assert!(!root.join("stack").starts_with(&place), "{}", place.display());
            prop_assert!(!place.iter().any(|part| part == ".git" || part == ".."));
            let existing = place.ancestors().find(|above| above.symlink_metadata().is_ok()).unwrap();
            prop_assert_eq!(existing.canonicalize().unwrap(), existing);
            prop_assert!(named.starts_with('/') || place.starts_with(&root));
        }
    }
}

#[test]
fn a_link_that_appears_after_it_was_located_is_not_followed() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("root");
    std::fs::create_dir_all(root.join("a")).unwrap();
    std::fs::write(root.join("a/x"), "inside").unwrap();
    std::fs::write(home.path().join("x"), "canary").unwrap();
    let folder = BoundedFolder::open_folder(&root, "the root").unwrap();
    let located = folder.locate(Path::new("a/x")).unwrap();
    assert_eq!(folder.read_file(&located, 10).unwrap(), b"inside");
    std::fs::remove_dir_all(root.join("a")).unwrap();
    symlink("..", root.join("a")).unwrap();
    assert!(folder.read_file(&located, 10).is_err(), "the folder became a link");
    std::fs::remove_file(root.join("a")).unwrap();
    std::fs::create_dir(root.join("a")).unwrap();
    symlink("../../x", root.join("a/x")).unwrap();
    assert!(folder.read_file(&located, 10).is_err(), "the file became a link");
}

#[test]
fn reads_are_bounded() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("x");
    std::fs::write(&path, "12345").unwrap();
    assert_eq!(read_argument(&path, 5).unwrap(), b"12345");
    assert!(matches!(read_argument(&path, 4), Err(PathError::TooLarge(4))));
    assert!(matches!(read_private_file(home.path(), Path::new("x"), 4), Err(PathError::TooLarge(4))));
    assert_eq!(read_private_file(home.path(), Path::new("missing/y"), 4).unwrap(), None);
}

#[test]
fn an_argument_that_begins_in_a_repository_stays_in_it() {
    let home = tempfile::tempdir().unwrap();
    let repository = home.path().join("repository");
    std::fs::create_dir_all(repository.join(".git")).unwrap();
    std::fs::create_dir(repository.join("sub")).unwrap();
    std::fs::write(home.path().join("outside"), "x").unwrap();
    symlink("../outside", repository.join("link")).unwrap();
    symlink("repository", home.path().join("alias")).unwrap();
    std::fs::write(repository.join("file"), "y").unwrap();
    assert!(matches!(read_argument(&repository.join("link"), 9), Err(PathError::LinkOutside(_))));
    assert_eq!(read_argument(&repository.join("../outside"), 9).unwrap(), b"x");
    assert_eq!(read_argument(&repository.join("sub/../../outside"), 9).unwrap(), b"x");
    assert_eq!(read_argument(&home.path().join("alias/file"), 9).unwrap(), b"y");
    assert!(matches!(write_output(&repository.join("link"), b"z"), Err(PathError::Link(_))));
    assert_eq!(std::fs::read(home.path().join("outside")).unwrap(), b"x");
}

#[test]
fn a_private_file_replaces_a_link_and_is_private() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("target"), "kept").unwrap();
    symlink("target", home.path().join("x")).unwrap();
    write_private_file(&home.path().join("x"), b"new").unwrap();
    assert_eq!(std::fs::read(home.path().join("target")).unwrap(), b"kept");
    let metadata = home.path().join("x").symlink_metadata().unwrap();
    assert!(metadata.is_file() && metadata.permissions().mode() & 0o777 == 0o600);
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o770)).unwrap();
    assert!(matches!(check_place_folder(home.path()), Err(PathError::SharedWrite { mode: 0o770, .. })));
}
