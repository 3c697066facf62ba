//! The account in every id: put on what comes from a provider, taken off what goes to one.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{
    Address, Alias, Change, Enacted, LiveIdentity, LiveKey, LiveShared, Named, Quota, Resource, ResourceId, Snapshot,
    Stranger, Unmarked,
};

/// Something with ids in it, all of one account.
pub trait Place: Sized {
    /// The same as the engine sees it.
    #[must_use]
    fn on(self, account: &Alias) -> Self;

    /// The same as the provider of that account sees it. What it says of other accounts is left out.
    #[must_use]
    fn off(self, account: &Alias) -> Self;

    /// [`Place::on`], where the account has an alias.
    #[must_use]
    fn into_fleet(self, account: Option<&Alias>) -> Self {
        match account {
            Some(account) => self.on(account),
            None => self,
        }
    }
}

impl Place for ResourceId {
    fn on(self, account: &Alias) -> Self {
        self.within(Some(account))
    }

    fn off(self, _account: &Alias) -> Self {
        self.within(None)
    }
}

impl Place for Resource {
    fn on(mut self, account: &Alias) -> Self {
        self.depends_on = self.depends_on.on(account);
        Self { id: self.id.on(account), ..self }
    }

    fn off(mut self, account: &Alias) -> Self {
        self.depends_on = self.depends_on.off(account);
        Self { id: self.id.off(account), ..self }
    }
}

impl Place for Change {
    fn on(self, account: &Alias) -> Self {
        self.each(|id| id.on(account), |resource| resource.on(account))
    }

    fn off(self, account: &Alias) -> Self {
        self.each(|id| id.off(account), |resource| resource.off(account))
    }
}

/// A change with its ids and resources made anew.
trait Each {
    fn each(self, id: impl Fn(ResourceId) -> ResourceId, resource: impl Fn(Resource) -> Resource) -> Self;
}

impl Each for Change {
    fn each(self, of_id: impl Fn(ResourceId) -> ResourceId, of: impl Fn(Resource) -> Resource) -> Self {
        let boxed = |resource: Box<Resource>| Box::new(of(*resource));
        match self {
            Self::Create { after } => Self::Create { after: boxed(after) },
            Self::Update { before, after } => Self::Update { before: boxed(before), after: boxed(after) },
            Self::Delete { before } => Self::Delete { before: boxed(before) },
            Self::Mark { id, before, after } => Self::Mark { id: of_id(id), before, after },
            Self::Adopt { id, after } => Self::Adopt { id: of_id(id), after },
            Self::Unmark { id, before } => Self::Unmark { id: of_id(id), before },
        }
    }
}

impl Place for LiveIdentity {
    fn on(self, account: &Alias) -> Self {
        let (id, resources, keys) = (self.id.on(account), self.resources.on(account), self.keys.on(account));
        Self { id, resources, keys, ..self }
    }

    fn off(self, account: &Alias) -> Self {
        let (id, resources, keys) = (self.id.off(account), self.resources.off(account), self.keys.off(account));
        Self { id, resources, keys, ..self }
    }
}

impl Place for LiveShared {
    fn on(self, account: &Alias) -> Self {
        let held_by = self.held_by.into_iter().map(|holder| format!("{account}:{holder}")).collect();
        Self { resource: self.resource.on(account), held_by, ..self }
    }

    fn off(self, account: &Alias) -> Self {
        let plain = |holder: String| match holder.strip_prefix(account.as_str()).and_then(|rest| rest.strip_prefix(':'))
        {
            Some(plain) => plain.to_owned(),
            None => holder,
        };
        let held_by = self.held_by.into_iter().map(plain).collect();
        Self { resource: self.resource.off(account), held_by, ..self }
    }
}

impl Place for Unmarked {
    fn on(self, account: &Alias) -> Self {
        Self { id: self.id.on(account), resources: self.resources.on(account), ..self }
    }

    fn off(self, account: &Alias) -> Self {
        Self { id: self.id.off(account), resources: self.resources.off(account), ..self }
    }
}

impl Place for Snapshot {
    fn on(self, account: &Alias) -> Self {
        Self {
            realm: self.realm,
            identities: self.identities.on(account),
            shared: self.shared.on(account),
            strangers: self.strangers.on(account),
            unmarked: self.unmarked.on(account),
            through_others: self.through_others.on(account),
            denying: self
                .denying
                .into_iter()
                .map(|(named, policy)| (Named { account: Some(account.clone()), ..named }, policy))
                .collect(),
            not_shown: self.not_shown,
        }
    }

    fn off(self, account: &Alias) -> Self {
        Self {
            realm: self.realm,
            identities: self.identities.off(account),
            shared: self.shared.off(account),
            strangers: self.strangers.off(account),
            unmarked: self.unmarked.off(account),
            through_others: self.through_others.off(account),
            denying: self
                .denying
                .into_iter()
                .map(|(named, policy)| (Named { account: None, ..named }, policy))
                .collect(),
            not_shown: self.not_shown,
        }
    }
}

impl Place for Enacted {
    fn on(self, account: &Alias) -> Self {
        Self { made: self.made.map(|id| id.on(account)), ..self }
    }

    fn off(self, account: &Alias) -> Self {
        Self { made: self.made.map(|id| id.off(account)), ..self }
    }
}

impl Place for Quota {
    fn on(self, account: &Alias) -> Self {
        Self { account: Some(account.clone()), ..self }
    }

    fn off(self, _account: &Alias) -> Self {
        Self { account: None, ..self }
    }
}

/// What holds no id of its own, by id: nothing of it is mapped.
macro_rules! without_ids {
    ($($plain:ty),*) => {$(
        impl Place for $plain {
            fn on(self, _account: &Alias) -> Self {
                self
            }

            fn off(self, _account: &Alias) -> Self {
                self
            }
        }
    )*};
}

without_ids!(Stranger, LiveKey, Address);

impl<T: Place> Place for BTreeMap<ResourceId, T> {
    fn on(self, account: &Alias) -> Self {
        self.into_iter().map(|(id, what)| (id.on(account), what.on(account))).collect()
    }

    fn off(self, account: &Alias) -> Self {
        let ours = self.into_iter().filter(|(id, _)| id.account.as_ref() == Some(account));
        ours.map(|(id, what)| (id.off(account), what.off(account))).collect()
    }
}

impl Place for BTreeSet<ResourceId> {
    fn on(self, account: &Alias) -> Self {
        self.into_iter().map(|id| id.on(account)).collect()
    }

    fn off(self, account: &Alias) -> Self {
        let ours = self.into_iter().filter(|id| id.account.as_ref() == Some(account));
        ours.map(|id| id.off(account)).collect()
    }
}

impl<T: Place> Place for Vec<T> {
    fn on(self, account: &Alias) -> Self {
        self.into_iter().map(|each| each.on(account)).collect()
    }

    fn off(self, account: &Alias) -> Self {
        self.into_iter().map(|each| each.off(account)).collect()
    }
}

/// The part of something that lies in an account, as its provider sees it.
pub fn share<T: Place + Clone>(all: &BTreeMap<ResourceId, T>, account: Option<&Alias>) -> BTreeMap<ResourceId, T> {
    let ours = all.iter().filter(|(id, _)| id.account.as_ref() == account);
    let ours: BTreeMap<ResourceId, T> = ours.map(|(id, what)| (id.clone(), what.clone())).collect();
    match account {
        Some(account) => ours.off(account),
        None => ours,
    }
}

/// The ids that lie in an account, as its provider sees them.
pub fn share_of_ids(all: &BTreeSet<ResourceId>, account: Option<&Alias>) -> BTreeSet<ResourceId> {
    all.iter().filter(|id| id.account.as_ref() == account).map(|id| id.clone().within(None)).collect()
}
