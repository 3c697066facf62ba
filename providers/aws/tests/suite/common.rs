//! What the tests on the emulator share.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::BehaviorVersion;
use aws_sdk_iam::config::Credentials;
use leasehold_aws::{AwsProvider, AwsRealizer, AwsSettings};
use leasehold_emulator::Emulator;
use leasehold_provider::{
    Address, Change, DesiredIdentity, Effect, Enact, EnactError, IdentitySpec, Kind, LiveIdentity, Marks,
    ObjectIds as _, Observe, ObserveError, ObserveRequest, Principal, RealizeObjects as _, Resource, ResourceId,
    ResourceKind, Scope, Snapshot, StackName, Statement, Trust,
};

pub struct World {
    pub aws: Emulator,
    pub provider: AwsProvider,
    pub stack: StackName,
}

impl World {
    pub async fn new() -> Self {
        let aws = Emulator::moto();
        let provider = connect(&aws.endpoint(), AwsSettings::default()).await;
        Self { aws, provider, stack: stack() }
    }

    /// A provider that remembers nothing, as a new run has it.
    pub async fn new_run(&mut self) {
        self.provider = connect(&self.aws.endpoint(), AwsSettings::default()).await;
    }

    pub async fn desired(&self, identity: &DesiredIdentity) -> Vec<Resource> {
        let realm = self.provider.read_realm().await.unwrap();
        AwsRealizer.realize_identity(&realm, identity, &self.marks(identity))
    }

    pub fn marks(&self, identity: &DesiredIdentity) -> Marks {
        Marks {
            owner: Some(identity.spec.owner.clone()),
            created_at: Some(identity.created_at),
            expires_at: identity.deadline,
            ..Marks::new(self.stack.clone(), identity.spec.address.clone())
        }
    }

    pub async fn scope(&self, scope: &Scope) -> Resource {
        let realm = self.provider.read_realm().await.unwrap();
        AwsRealizer.realize_scope(&realm, &self.stack, scope)
    }

    pub async fn observe(&self) -> Snapshot {
        self.try_observe(&BTreeMap::new()).await.unwrap()
    }

    pub async fn try_observe(&self, shared: &BTreeMap<ResourceId, Resource>) -> Result<Snapshot, ObserveError> {
        let exact = BTreeSet::new();
        self.provider
            .observe_stack(ObserveRequest { exact: &exact, ..ObserveRequest::for_plan(&self.stack, shared) })
            .await
    }

    pub async fn live(&self, identity: &DesiredIdentity) -> LiveIdentity {
        let id = AwsRealizer.principal_id(identity.spec.principal, &identity.spec.name);
        self.observe().await.identities.remove(&id).expect("the identity exists")
    }

    pub async fn enact(&self, change: &Change) -> Result<leasehold_provider::Enacted, EnactError> {
        self.provider.enact_change(&self.stack, change).await
    }

    pub async fn create(&self, resources: Vec<Resource>) {
        for after in in_order(resources) {
            self.enact(&Change::Create { after: Box::new(after) }).await.unwrap();
        }
    }

    /// Goes from live to wanted: what a plan does, without its judgement.
    pub async fn converge(&self, live: &BTreeMap<ResourceId, Resource>, desired: Vec<Resource>) {
        let desired: BTreeMap<ResourceId, Resource> = desired.into_iter().map(|r| (r.id.clone(), r)).collect();
        for after in in_order(desired.values().cloned().collect()) {
            match live.get(&after.id) {
                None => self.enact(&Change::Create { after: Box::new(after) }).await.map(drop).unwrap(),
                Some(before) => {
                    if before.attributes != after.attributes {
                        let (before, after) = (Box::new(before.clone()), Box::new(after.clone()));
                        self.enact(&Change::Update { before, after }).await.unwrap();
                    }
                    if before.marks != after.marks
                        && let Some(marks) = after.marks
                    {
                        let before = before.marks.clone().map(Box::new);
                        let change = Change::Mark { id: after.id, before, after: Box::new(marks) };
                        self.enact(&change).await.unwrap();
                    }
                }
            }
        }
        let strays = live.values().filter(|resource| !desired.contains_key(&resource.id)).cloned().collect();
        self.delete(strays).await;
    }

    pub async fn delete(&self, resources: Vec<Resource>) {
        for before in in_order(resources).into_iter().rev() {
            self.enact(&Change::Delete { before: Box::new(before) }).await.unwrap();
        }
    }
}

pub fn stack() -> StackName {
    StackName::new("payments").unwrap()
}

pub async fn connect(endpoint: &str, settings: AwsSettings) -> AwsProvider {
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .empty_test_environment()
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"));
    AwsProvider::connect_with_loader(settings, loader).await.unwrap()
}

/// Resources so that each comes after what it needs.
pub fn in_order(resources: Vec<Resource>) -> Vec<Resource> {
    let mut left: BTreeMap<ResourceId, Resource> = resources.into_iter().map(|r| (r.id.clone(), r)).collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let free = left.values().find(|r| r.depends_on.iter().all(|need| !left.contains_key(need)));
        let id = free.expect("no cycle").id.clone();
        ordered.extend(left.remove(&id));
    }
    ordered
}

pub fn statement(action: &str, resource: &str) -> Statement {
    Statement {
        sid: None,
        effect: Effect::Allow,
        actions: vec![action.to_owned()],
        not_actions: Vec::new(),
        resources: vec![resource.to_owned()],
        not_resources: Vec::new(),
        conditions: Vec::new(),
        sensitive: false,
    }
}

pub fn identity(name: &str, principal: Principal) -> DesiredIdentity {
    let kind = if principal == Principal::Role { Kind::Workload } else { Kind::Service };
    DesiredIdentity {
        spec: IdentitySpec {
            principal,
            purpose: Some("tests".to_owned()),
            statements: vec![statement("s3:GetObject", "arn:aws:s3:::acme/*")],
            trusts: if principal == Principal::Role {
                vec![Trust::Service { principals: vec!["lambda.amazonaws.com".to_owned()] }]
            } else {
                Vec::new()
            },
            tags: BTreeMap::from([("team".to_owned(), "a b".to_owned())]),
            ..IdentitySpec::new(Address::for_identity(name, None), name, kind, "jane")
        },
        created_at: "2026-11-20T22:00:00Z".parse().unwrap(),
        deadline: Some("2027-02-18T22:00:00Z".parse().unwrap()),
    }
}

pub fn scope(name: &str, action: &str) -> Scope {
    Scope { name: name.to_owned(), description: None, statements: vec![statement(action, "*")], account: None }
}

pub fn id(kind: &'static str, name: &str) -> ResourceId {
    ResourceId::new(ResourceKind::new(kind), name)
}
