//! Adds the account to the ids in values from a provider, and removes it from the ids in values for a provider.
//!
//! Invariant: for a value of one account, [`AccountScoped::remove_account_from_ids`] reverses
//! [`AccountScoped::add_account_to_ids`]. Example, with the account `audit`: `aws_iam_user jane` becomes
//! `aws_iam_user audit:jane`, and back.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{
    Address, Alias, Change, Enacted, LiveIdentity, LiveKey, LiveShared, ObjectName, Quota, Resource, ResourceId,
    Snapshot, UnconfirmedCreation, UnmanagedObject, Unmarked,
};

/// A value whose ids are all in one account.
pub trait AccountScoped: Sized {
    /// The value as the engine sees it: every id names `account`.
    #[must_use]
    fn add_account_to_ids(self, account: &Alias) -> Self;

    /// The value as the provider of `account` sees it: its ids name no account. Ids of other accounts in maps and
    /// sets are left out.
    #[must_use]
    fn remove_account_from_ids(self, account: &Alias) -> Self;

    /// [`AccountScoped::add_account_to_ids`] if the account has an alias. For `None`, the first account, the value is
    /// unchanged.
    #[must_use]
    fn with_optional_account(self, account: Option<&Alias>) -> Self {
        match account {
            Some(account) => self.add_account_to_ids(account),
            None => self,
        }
    }
}

impl AccountScoped for ResourceId {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        self.with_account(Some(account))
    }

    fn remove_account_from_ids(self, _account: &Alias) -> Self {
        self.with_account(None)
    }
}

impl AccountScoped for Resource {
    fn add_account_to_ids(mut self, account: &Alias) -> Self {
        self.depends_on = self.depends_on.add_account_to_ids(account);
        Self { id: self.id.add_account_to_ids(account), ..self }
    }

    fn remove_account_from_ids(mut self, account: &Alias) -> Self {
        self.depends_on = self.depends_on.remove_account_from_ids(account);
        Self { id: self.id.remove_account_from_ids(account), ..self }
    }
}

impl AccountScoped for Change {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        self.map_change(|id| id.add_account_to_ids(account), |resource| resource.add_account_to_ids(account))
    }

    fn remove_account_from_ids(self, account: &Alias) -> Self {
        self.map_change(|id| id.remove_account_from_ids(account), |resource| resource.remove_account_from_ids(account))
    }
}

/// Applies one function to the ids, and one to the resources, of a change.
trait MapChange {
    fn map_change(self, id: impl Fn(ResourceId) -> ResourceId, resource: impl Fn(Resource) -> Resource) -> Self;
}

impl MapChange for Change {
    fn map_change(self, of_id: impl Fn(ResourceId) -> ResourceId, of: impl Fn(Resource) -> Resource) -> Self {
        let boxed = |resource: Box<Resource>| Box::new(of(*resource));
        match self {
            Self::Create { after } => Self::Create { after: boxed(after) },
            Self::Update { before, after } => Self::Update { before: boxed(before), after: boxed(after) },
            Self::Delete { before } => Self::Delete { before: boxed(before) },
            Self::Mark { id, before, after } => Self::Mark { id: of_id(id), before, after },
            Self::Import { id, after } => Self::Import { id: of_id(id), after },
            Self::Release { id, before } => Self::Release { id: of_id(id), before },
        }
    }
}

impl AccountScoped for LiveIdentity {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        let (id, resources, keys) = (
            self.id.add_account_to_ids(account),
            self.resources.add_account_to_ids(account),
            self.keys.add_account_to_ids(account),
        );
        Self { id, resources, keys, ..self }
    }

    fn remove_account_from_ids(self, account: &Alias) -> Self {
        let (id, resources, keys) = (
            self.id.remove_account_from_ids(account),
            self.resources.remove_account_from_ids(account),
            self.keys.remove_account_from_ids(account),
        );
        Self { id, resources, keys, ..self }
    }
}

impl AccountScoped for LiveShared {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        let foreign_attachments =
            self.foreign_attachments.into_iter().map(|holder| format!("{account}:{holder}")).collect();
        Self { resource: self.resource.add_account_to_ids(account), foreign_attachments, ..self }
    }

    fn remove_account_from_ids(self, account: &Alias) -> Self {
        let plain = |holder: String| match holder.strip_prefix(account.as_str()).and_then(|rest| rest.strip_prefix(':'))
        {
            Some(plain) => plain.to_owned(),
            None => holder,
        };
        let foreign_attachments = self.foreign_attachments.into_iter().map(plain).collect();
        Self { resource: self.resource.remove_account_from_ids(account), foreign_attachments, ..self }
    }
}

impl AccountScoped for Unmarked {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        Self { id: self.id.add_account_to_ids(account), resources: self.resources.add_account_to_ids(account), ..self }
    }

    fn remove_account_from_ids(self, account: &Alias) -> Self {
        Self {
            id: self.id.remove_account_from_ids(account),
            resources: self.resources.remove_account_from_ids(account),
            ..self
        }
    }
}

impl AccountScoped for Snapshot {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        Self {
            realm: self.realm,
            identities: self.identities.add_account_to_ids(account),
            shared: self.shared.add_account_to_ids(account),
            unmanaged_objects: self.unmanaged_objects.add_account_to_ids(account),
            import_candidates: self.import_candidates.add_account_to_ids(account),
            foreign_groups: self.foreign_groups.add_account_to_ids(account),
            denying: self
                .denying
                .into_iter()
                .map(|(named, policy)| (ObjectName { account: Some(account.clone()), ..named }, policy))
                .collect(),
            unlisted_deliveries: self.unlisted_deliveries,
        }
    }

    fn remove_account_from_ids(self, account: &Alias) -> Self {
        Self {
            realm: self.realm,
            identities: self.identities.remove_account_from_ids(account),
            shared: self.shared.remove_account_from_ids(account),
            unmanaged_objects: self.unmanaged_objects.remove_account_from_ids(account),
            import_candidates: self.import_candidates.remove_account_from_ids(account),
            foreign_groups: self.foreign_groups.remove_account_from_ids(account),
            denying: self
                .denying
                .into_iter()
                .map(|(named, policy)| (ObjectName { account: None, ..named }, policy))
                .collect(),
            unlisted_deliveries: self.unlisted_deliveries,
        }
    }
}

impl AccountScoped for Enacted {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        Self { made: self.made.map(|id| id.add_account_to_ids(account)), ..self }
    }

    fn remove_account_from_ids(self, account: &Alias) -> Self {
        Self { made: self.made.map(|id| id.remove_account_from_ids(account)), ..self }
    }
}

impl AccountScoped for Quota {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        Self { account: Some(account.clone()), ..self }
    }

    fn remove_account_from_ids(self, _account: &Alias) -> Self {
        Self { account: None, ..self }
    }
}

/// Types without ids of their own. They are values of maps by id, and are not changed.
macro_rules! without_ids {
    ($($plain:ty),*) => {$(
        impl AccountScoped for $plain {
            fn add_account_to_ids(self, _account: &Alias) -> Self {
                self
            }

            fn remove_account_from_ids(self, _account: &Alias) -> Self {
                self
            }
        }
    )*};
}

without_ids!(UnmanagedObject, UnconfirmedCreation, LiveKey, Address);

impl<T: AccountScoped> AccountScoped for BTreeMap<ResourceId, T> {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        self.into_iter().map(|(id, what)| (id.add_account_to_ids(account), what.add_account_to_ids(account))).collect()
    }

    fn remove_account_from_ids(self, account: &Alias) -> Self {
        let ours = self.into_iter().filter(|(id, _)| id.account.as_ref() == Some(account));
        ours.map(|(id, what)| (id.remove_account_from_ids(account), what.remove_account_from_ids(account))).collect()
    }
}

impl AccountScoped for BTreeSet<ResourceId> {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        self.into_iter().map(|id| id.add_account_to_ids(account)).collect()
    }

    fn remove_account_from_ids(self, account: &Alias) -> Self {
        let ours = self.into_iter().filter(|id| id.account.as_ref() == Some(account));
        ours.map(|id| id.remove_account_from_ids(account)).collect()
    }
}

impl<T: AccountScoped> AccountScoped for Vec<T> {
    fn add_account_to_ids(self, account: &Alias) -> Self {
        self.into_iter().map(|each| each.add_account_to_ids(account)).collect()
    }

    fn remove_account_from_ids(self, account: &Alias) -> Self {
        self.into_iter().map(|each| each.remove_account_from_ids(account)).collect()
    }
}

/// The entries of a map that are in `account`, as its provider sees them.
pub fn select_account<T: AccountScoped + Clone>(
    all: &BTreeMap<ResourceId, T>,
    account: Option<&Alias>,
) -> BTreeMap<ResourceId, T> {
    let ours = all.iter().filter(|(id, _)| id.account.as_ref() == account);
    let ours: BTreeMap<ResourceId, T> = ours.map(|(id, what)| (id.clone(), what.clone())).collect();
    match account {
        Some(account) => ours.remove_account_from_ids(account),
        None => ours,
    }
}

/// The ids that are in `account`, as its provider sees them.
pub fn select_account_ids(all: &BTreeSet<ResourceId>, account: Option<&Alias>) -> BTreeSet<ResourceId> {
    all.iter().filter(|id| id.account.as_ref() == account).map(|id| id.clone().with_account(None)).collect()
}
