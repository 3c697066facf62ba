//! The cases of a file: each line is one word and its arguments.
//!
//! ```text
//! == name                       begins a case; the line says what the attacker did
//! link PATH -> TARGET           a symbolic link; {home} in TARGET is the folder that contains `repo` and `outside`
//! chain PATH N -> TARGET        N links, each to the next
//! hard PATH -> TARGET           a hard link
//! pipe PATH, socket PATH, folder PATH
//! device PATH MAJOR             a character device (5: /dev/tty, 1: memory)
//! mode PATH OCTAL
//! sparse PATH BYTES             a file of that length without content
//! repeat PATH N TEXT            a file of N copies
//! file PATH TEXT                a file of one text, with \n and \xff
//! purpose EXPRESSION            the purpose of the stack's identity, which a plan shows
//! backend PATH, store PATH, directory PATH, module SOURCE    blocks of the stack
//! extra TEXT                    more text in the stack's file
//! args WORDS                    more arguments of both commands
//! in FOLDER                     where the commands run; otherwise repo/stack
//! only COMMAND                  the other command does not read this input
//! exit CODE                     otherwise 1
//! says TEXT                     in the output
//! without-git                   no repo/.git
//! ```

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One case: files, and what must come of them.
pub struct HostileCase {
    pub name: String,
    steps: Vec<(String, String)>,
    pub args: Vec<String>,
    pub directory: String,
    pub commands: Vec<String>,
    pub exit: i32,
    pub says: Vec<String>,
}

/// Parses a file of cases.
pub fn parse_cases(text: &str) -> Vec<HostileCase> {
    let mut cases: Vec<HostileCase> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "==" {
            cases.push(HostileCase {
                name: rest.to_owned(),
                steps: Vec::new(),
                args: Vec::new(),
                directory: "repo/stack".to_owned(),
                commands: vec!["validate".to_owned(), "plan".to_owned()],
                exit: 1,
                says: Vec::new(),
            });
            continue;
        }
        let case = cases.last_mut().expect("a file begins with ==");
        match word {
            "args" => case.args = rest.split(' ').map(str::to_owned).collect(),
            "in" => case.directory = rest.to_owned(),
            "only" => case.commands = vec![rest.to_owned()],
            "exit" => case.exit = rest.parse().unwrap(),
            "says" => case.says.push(rest.to_owned()),
            _ => case.steps.push((word.to_owned(), rest.to_owned())),
        }
    }
    cases
}

/// The text with its escapes resolved: `\n`, `\\`, `\xff`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let code = match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => b'\n',
            ('\\', Some('x')) => {
                let digits: String = chars.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).unwrap()
            }
            ('\\', Some(other)) => u8::try_from(other).unwrap(),
            _ => {
                bytes.extend(c.to_string().as_bytes());
                continue;
            }
        };
        bytes.push(code);
    }
    bytes
}

fn path_of(home: &Path, text: &str) -> PathBuf {
    home.join(OsString::from_vec(unescape(text)))
}

/// Writes a file and creates its folders.
fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

impl HostileCase {
    /// The arguments of the steps with this word.
    fn find_steps<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.steps.iter().filter(move |(own, _)| own == word).map(|(_, rest)| rest.as_str())
    }

    /// Creates `outside`, `repo` and `bin` with the case's files in `home`. `false`: this user may not create a device.
    pub fn create_files(&self, home: &Path) -> bool {
        write(&home.join("outside/canary.txt"), b"CANARY of a file outside\n");
        write(&home.join("outside/canary.hcl"), b"CANARY of a file outside = {\n");
        write(&home.join("outside/canary.hclvars"), b"token = \"CANARY\"\n");
        write(&home.join("outside/canary.json"), b"{\"SecretAccessKey\": \"CANARY\", \"Leasehold\": \"CANARY\"}\n");
        write(&home.join("outside/dir/stack.hcl"), b"CANARY of a stack outside\n");
        if self.find_steps("without-git").next().is_none() {
            write(&home.join("repo/.git/HEAD"), b"ref: refs/heads/main\n");
            write(&home.join("repo/.git/config"), b"[http]\n\textraheader = CANARY\n");
        }
        for program in ["git", "sh", "ssh", "env", "touch"] {
            let path = home.join("bin").join(program);
            write(&path, format!("#!/bin/sh\n: > '{}'\n", home.join("ran").display()).as_bytes());
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        if self.find_steps("bare").next().is_none() {
            write(&home.join("repo/stack/stack.hcl"), self.stack_text().as_bytes());
        }
        self.steps.iter().all(|(word, rest)| create_step(home, word, rest))
    }

    /// The stack's own file, which is valid without the case's blocks.
    fn stack_text(&self) -> String {
        let purpose = self.find_steps("purpose").next().unwrap_or("\"tests\"");
        let block = |word: &str, before: &str, after: &str| {
            self.find_steps(word).map(|text| format!("{before}\"{text}\"{after}\n")).collect::<String>()
        };
        let backend = block("backend", "  backend \"local\" {\n    path = ", "\n  }");
        let stores = block("store", "store \"file\" \"vault\" {\n  path = ", "\n}");
        let directory = block("directory", "provider \"local\" {\n  path = ", "\n}");
        let modules = block("module", "module \"m\" {\n  source = ", "\n}");
        let extra: String = self.find_steps("extra").map(|text| format!("{}\n", text.replace("\\n", "\n"))).collect();
        format!(
            "leasehold {{\n  stack = \"hostile\"\n{backend}}}\nowner \"jane\" {{}}\n{stores}{directory}{modules}{extra}\
             identity \"bot\" {{\n  kind = \"service\"\n  owner = owner.jane\n  ttl = \"9d\"\n  purpose = {purpose}\n}}\n"
        )
    }
}

/// Creates one file. `false`: this user may not.
fn create_step(home: &Path, word: &str, rest: &str) -> bool {
    let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let path = path_of(home, first);
    let run = |program: &str, args: &[&str]| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        Command::new(program).arg(&path).args(args).status().is_ok_and(|ended| ended.success())
    };
    let target = |text: &str| text.split_once("-> ").unwrap().1.replace("{home}", &home.display().to_string());
    match word {
        "link" => {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(target(after), &path).unwrap();
        }
        "hard" => std::fs::hard_link(home.join(target(after)), &path).unwrap(),
        "chain" => {
            let count: usize = after.split(' ').next().unwrap().parse().unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            for number in 1..count {
                let next = format!("{number}-{name}");
                let link =
                    if number == 1 { path.clone() } else { path.with_file_name(format!("{}-{name}", number - 1)) };
                symlink(next, link).unwrap();
            }
            symlink(target(after), path.with_file_name(format!("{}-{name}", count - 1))).unwrap();
        }
        "pipe" => return run("mkfifo", &[]),
        "device" => return run("mknod", &["c", after, "0"]),
        "socket" => {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        }
        "folder" => std::fs::create_dir_all(&path).unwrap(),
        "mode" => {
            let mode = u32::from_str_radix(after, 8).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        "sparse" => {
            write(&path, b"");
            std::fs::File::options().write(true).open(&path).unwrap().set_len(after.parse().unwrap()).unwrap();
        }
        "repeat" => {
            let (count, text) = after.split_once(' ').unwrap();
            write(&path, &unescape(text).repeat(count.parse().unwrap()));
        }
        "many" => {
            let count: usize = after.parse().unwrap();
            (0..count).for_each(|number| write(&path.join(format!("{number}.txt")), b""));
        }
        "deep" => {
            let below: PathBuf = std::iter::repeat_n("d", after.parse().unwrap()).collect();
            write(&path.join(below).join("file.txt"), b"");
        }
        "file" => write(&path, &unescape(after)),
        "purpose" | "backend" | "store" | "directory" | "module" | "extra" | "without-git" | "bare" => {}
        other => panic!("no step {other}"),
    }
    true
}
