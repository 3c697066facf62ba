//! One random history of a stack and its attacker.

use fastrand::Rng;
use jiff::SignedDuration;
use tokio::runtime::Runtime;

use super::attacker::{Attacker, read_name};
use super::configuration::{Configuration, IdentityBlock, LeaseText};
use super::estate::{Command, Ending, Estate};
use super::oracle::{Oracle, Rows, RunRecord};

const START: &str = "2026-11-20T22:00:00Z";
const ACTIONS: [&str; 3] = ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"];

/// One random history.
pub struct History<'a> {
    seed: u64,
    rng: Rng,
    estate: Estate<'a>,
    attacker: Attacker,
    configuration: Configuration,
    /// Blocks that were removed, and may come back.
    removed: Vec<(String, IdentityBlock)>,
    oracle: Oracle,
    labels: usize,
    log: Vec<String>,
}

impl<'a> History<'a> {
    pub fn new(seed: u64, runtime: &'a Runtime) -> Self {
        let estate = Estate::new(runtime, START.parse().unwrap());
        Self {
            seed,
            rng: Rng::with_seed(seed),
            attacker: Attacker::new(estate.external_admin()),
            estate,
            configuration: Configuration::default(),
            removed: Vec::new(),
            oracle: Oracle::default(),
            labels: 0,
            log: Vec::new(),
        }
    }

    /// Plays the history, and fails with its seed and all that happened.
    pub fn play(mut self) {
        if let Err(broken) = self.try_play() {
            panic!("history {}: {broken}\n\n{}\n\n{}", self.seed, self.log.join("\n"), self.configuration.to_hcl());
        }
    }

    fn try_play(&mut self) -> Result<(), String> {
        for _ in 0..self.rng.usize(1..4) {
            self.add_block();
        }
        self.configuration.has_scope = self.rng.bool();
        self.configuration.has_group = self.rng.bool();
        self.attacker
            .admin
            .create_principal(leasehold_provider::Principal::User, "theirs", &Default::default())
            .unwrap();
        self.run(&Command::Apply, false)?;
        for _ in 0..self.rng.usize(3..9) {
            self.act()?;
        }
        self.come_to_rest()
    }

    fn act(&mut self) -> Result<(), String> {
        match self.rng.u8(0..100) {
            0..35 => self.attack(),
            35..50 => self.edit_configuration(),
            50..60 => {
                let hours = if self.rng.bool() { self.rng.i64(1..48) } else { self.rng.i64(48..1000) };
                self.pass_time(hours);
            }
            60..80 => return self.run(&Command::Apply, true),
            80..87 => return self.run(&Command::Sweep, true),
            87..95 => return self.revoke_or_restore(),
            _ => return self.look(),
        }
        Ok(())
    }

    fn read_rows(&self) -> Rows {
        self.attacker.admin.rows_by_unique_id().unwrap()
    }

    fn note(&mut self, line: String) {
        self.log.push(line);
    }

    fn pass_time(&mut self, hours: i64) {
        self.estate.now += SignedDuration::from_hours(hours);
        self.note(format!("now {}", self.estate.now));
    }

    fn attack(&mut self) {
        let rows = self.read_rows();
        let attack = self.attacker.attack(&mut self.rng, &rows);
        if let Some((from, to)) = attack.renamed
            && self.oracle.find_principal(&rows, &from).is_some()
        {
            let blocks = self.configuration.identities.values_mut();
            let removed = self.removed.iter_mut().map(|(_, block)| block);
            for block in blocks.chain(removed).filter(|block| block.principal == from) {
                block.principal.clone_from(&to);
            }
        }
        let rows = self.read_rows();
        self.oracle.forget_removed(&rows);
        self.note(format!("attack: {}", attack.log));
    }

    fn random_lease(&mut self) -> LeaseText {
        match self.rng.u8(0..3) {
            0 => LeaseText::At(self.estate.now + SignedDuration::from_hours(self.rng.i64(1..60) * 24)),
            _ => LeaseText::Days([1, 7, 30, 90][self.rng.usize(0..4)], None),
        }
    }

    fn add_block(&mut self) {
        let label = format!("id{}", self.labels);
        self.labels += 1;
        let block = IdentityBlock {
            principal: label.clone(),
            kind: ["service", "agent"][self.rng.usize(0..2)],
            owner: "jane",
            lease: self.random_lease(),
            action: ACTIONS[self.rng.usize(0..3)],
            has_scope: self.rng.bool(),
            is_member: self.rng.bool(),
            is_import: false,
        };
        self.note(format!("add {label}"));
        self.configuration.identities.insert(label, block);
    }

    fn edit_configuration(&mut self) {
        let labels: Vec<String> = self.configuration.identities.keys().cloned().collect();
        let label = self.rng.choice(labels).unwrap_or_default();
        let has_room = self.configuration.identities.len() < 4;
        match (self.rng.u8(0..10), self.configuration.identities.get_mut(&label)) {
            (0..2, _) if has_room => self.add_block(),
            // Its `moved` block would name nothing.
            (2..4, Some(_)) if !self.configuration.moves.iter().any(|(_, to)| *to == label) => {
                let block = self.configuration.identities.remove(&label).unwrap();
                self.note(format!("remove {label}"));
                self.removed.push((label, block));
            }
            (4, _) if !self.removed.is_empty() && has_room => {
                let (label, block) = self.removed.swap_remove(0);
                self.note(format!("put {label} back"));
                self.configuration.identities.insert(label, block);
            }
            (5, Some(_)) => {
                let block = self.configuration.identities.remove(&label).unwrap();
                let to = format!("id{}", self.labels);
                self.labels += 1;
                self.note(format!("move {label} to {to}"));
                self.configuration.moves.push((label, to.clone()));
                self.configuration.identities.insert(to, block);
            }
            (6, Some(block)) => {
                block.owner = if block.owner == "jane" { "omar" } else { "jane" };
                self.note(format!("another owner for {label}"));
            }
            (7, Some(_)) => {
                let lease = self.random_lease();
                self.note(format!("{label} gets {lease:?}"));
                self.configuration.identities.get_mut(&label).unwrap().lease = lease;
            }
            (8, Some(block)) => {
                if let LeaseText::Days(_, renewed) = &mut block.lease {
                    *renewed = Some(self.estate.now);
                    self.note(format!("renew {label}"));
                }
            }
            (9, _) => {
                self.configuration.has_scope ^= true;
                self.configuration.has_group ^= self.rng.bool();
                self.note("toggle scope and group".to_owned());
            }
            _ => {}
        }
    }

    fn revoke_or_restore(&mut self) -> Result<(), String> {
        let rows = self.read_rows();
        let blocks = self.configuration.identities.iter();
        let live = blocks.filter(|(_, block)| self.oracle.find_principal(&rows, &block.principal).is_some());
        let labels: Vec<String> = live.map(|(label, _)| label.clone()).collect();
        let Some(label) = self.rng.choice(labels) else { return Ok(()) };
        match self.rng.u8(0..3) {
            0 => self.run(&Command::Restore(label), true),
            _ => self.run(&Command::Revoke(label), true),
        }
    }

    /// A principal that is gone is created again under its label, with a lease that is not over.
    fn settle_names(&mut self, rows: &Rows) {
        for (label, block) in &mut self.configuration.identities {
            if self.oracle.find_principal(rows, &block.principal).is_none() {
                block.principal.clone_from(label);
                if block.compute_deadline(self.estate.now) <= self.estate.now {
                    block.lease = LeaseText::Days(30, None);
                }
            }
        }
    }

    fn run(&mut self, command: &Command, may_die: bool) -> Result<(), String> {
        let before = self.read_rows();
        self.settle_names(&before);
        self.estate.write_configuration(&self.configuration.to_hcl());
        let kill_after = (may_die && self.rng.u8(0..4) == 0).then(|| self.rng.i64(0..30));
        if may_die && self.rng.u8(0..3) == 0 {
            self.look()?;
        }
        let ending = self.estate.run(command, kill_after);
        let after = self.read_rows();
        self.note(format!("{command:?}, killed after {kill_after:?}: {ending:?}"));
        let (configuration, now) = (&self.configuration, self.estate.now);
        let (ending, before, after) = (&ending, &before, &after);
        self.oracle.check_run(&RunRecord { command, ending, configuration, before, after, now })?;
        if matches!((command, ending), (Command::Apply, Ending::Done)) {
            self.configuration.moves.clear();
        }
        match ending {
            // The next run of a command finishes what a killed one began.
            Ending::Killed if self.rng.bool() => self.run(command, false),
            _ => Ok(()),
        }
    }

    fn look(&mut self) -> Result<(), String> {
        let rows = self.read_rows();
        self.settle_names(&rows);
        self.estate.write_configuration(&self.configuration.to_hcl());
        self.note("look".to_owned());
        self.oracle.check_look(&self.configuration, &rows, &self.estate.look())
    }

    /// The attacker stops, and objects in the way are removed. One apply, and nothing is left to do.
    fn come_to_rest(&mut self) -> Result<(), String> {
        let rows = self.read_rows();
        self.settle_names(&rows);
        for object in self.oracle.list_impostors(&rows) {
            self.attacker.admin.remove_principal(read_name(object)).unwrap();
        }
        self.look()?;
        self.note("at rest".to_owned());
        self.run(&Command::Apply, false)?;
        self.oracle.check_rest(&self.configuration, &self.estate.look())
    }
}
