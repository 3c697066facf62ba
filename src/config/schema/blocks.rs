//! The tables.

use super::{Attribute, BlockSchema, Form, Inner};

const fn optional(name: &'static str) -> Attribute {
    Attribute { name, required: false, example: "", later: false }
}

const fn required(name: &'static str, example: &'static str) -> Attribute {
    Attribute { name, required: true, example, later: false }
}

const fn later(name: &'static str) -> Attribute {
    Attribute { name, required: false, example: "", later: true }
}

const fn one(schema: &'static BlockSchema) -> Inner {
    Inner { schema, many: false, later: false }
}

const fn many(schema: &'static BlockSchema) -> Inner {
    Inner { schema, many: true, later: false }
}

const fn inner_later(schema: &'static BlockSchema) -> Inner {
    Inner { schema, many: true, later: true }
}

const fn block(
    keyword: &'static str,
    labels: &'static [&'static str],
    attributes: &'static [Attribute],
) -> BlockSchema {
    BlockSchema { keyword, labels, attributes, blocks: &[], open: false, forms: &[] }
}

const fn form(label: &'static str, attributes: &'static [Attribute]) -> Form {
    Form { label, attributes, blocks: &[], later: false }
}

/// Blocks that stand in a file by themselves.
pub const TOP: &[&BlockSchema] = &[
    &LEASEHOLD,
    &VARIABLE,
    &LOCALS,
    &PROVIDER,
    &OWNER,
    &SERVICE,
    &SCOPE,
    &FEDERATION,
    &IDENTITY,
    &GROUP,
    &TEMPLATE,
    &MODULE,
    &OUTPUT,
    &MOVED,
    &REMOVED,
    &IMPORT,
    &STORE,
];

/// Blocks of the language that this version does not have.
pub const TOP_LATER: &[&str] = &["grant", "rule", "exception", "directory"];

static LEASEHOLD: BlockSchema = BlockSchema {
    blocks: &[one(&BACKEND), one(&DEFAULTS)],
    ..block("leasehold", &[], &[required("stack", "stack = \"payments\""), optional("required_version")])
};

static BACKEND: BlockSchema = BlockSchema {
    forms: &[
        form("local", &[optional("path"), optional("lock_lease")]),
        Form {
            blocks: &[one(&RETENTION), one(&ASSUME_ROLE)],
            ..form(
                "s3",
                &[
                    required("bucket", "bucket = \"acme-leasehold\""),
                    optional("prefix"),
                    optional("region"),
                    optional("endpoint"),
                    optional("kms_key_id"),
                    optional("profile"),
                    optional("lock_lease"),
                ],
            )
        },
        Form {
            later: !cfg!(feature = "azure"),
            ..form(
                "azure",
                &[
                    required("account", "account = \"acmeleasehold\""),
                    required("container", "container = \"leasehold\""),
                    optional("prefix"),
                    optional("lock_lease"),
                ],
            )
        },
        Form {
            later: !cfg!(feature = "gcs"),
            ..form(
                "gcs",
                &[required("bucket", "bucket = \"acme-leasehold\""), optional("prefix"), optional("lock_lease")],
            )
        },
    ],
    ..block("backend", &["type"], &[])
};

static RETENTION: BlockSchema = block("retention", &[], &[required("period", "period = \"365d\""), optional("mode")]);

static DEFAULTS: BlockSchema =
    BlockSchema { blocks: &[one(&LEAVER_DEFAULTS)], ..block("defaults", &[], &[optional("ttl")]) };

static LEAVER_DEFAULTS: BlockSchema = block("leaver", &[], &[optional("grace"), later("on_owner_exit")]);

static VARIABLE: BlockSchema = BlockSchema {
    blocks: &[many(&VALIDATION)],
    ..block(
        "variable",
        &["name"],
        &[optional("type"), optional("default"), optional("description"), optional("sensitive"), optional("nullable")],
    )
};

static VALIDATION: BlockSchema = block(
    "validation",
    &[],
    &[
        required("condition", "condition = contains([\"staging\", \"prod\"], var.environment)"),
        required("error_message", "error_message = \"environment is staging or prod.\""),
    ],
);

static LOCALS: BlockSchema = BlockSchema { open: true, ..block("locals", &[], &[]) };

static PROVIDER: BlockSchema = BlockSchema {
    forms: &[
        Form {
            blocks: &[one(&ASSUME_ROLE)],
            ..form(
                "aws",
                &[optional("region"), optional("profile"), optional("allowed_account_ids"), optional("alias")],
            )
        },
        form("local", &[optional("path"), optional("alias")]),
    ],
    ..block("provider", &["name"], &[])
};

static ASSUME_ROLE: BlockSchema = block(
    "assume_role",
    &[],
    &[
        required("role_arn", "role_arn = \"arn:aws:iam::111122223333:role/leasehold\""),
        optional("external_id"),
        optional("session_name"),
    ],
);

/// Its other attributes are the module's variables.
static MODULE: BlockSchema = BlockSchema {
    open: true,
    ..block(
        "module",
        &["name"],
        &[
            required("source", "source = \"./modules/team\""),
            optional("for_each"),
            optional("count"),
            optional("depends_on"),
        ],
    )
};

static OUTPUT: BlockSchema = block(
    "output",
    &["name"],
    &[required("value", "value = identity.bot"), optional("description"), optional("sensitive")],
);

static OWNER: BlockSchema = block("owner", &["name"], &[optional("name"), optional("email"), optional("team")]);

static SERVICE: BlockSchema = block("service", &["name"], &[optional("owner"), optional("status")]);

static SCOPE: BlockSchema = BlockSchema {
    blocks: &[many(&STATEMENT), many(&DYNAMIC)],
    ..block("scope", &["name"], &[optional("description")])
};

/// Whose word on who a caller is the account takes.
static FEDERATION: BlockSchema = BlockSchema {
    forms: &[
        form(
            "oidc",
            &[
                required("url", "url = \"https://token.actions.githubusercontent.com\""),
                required("audiences", "audiences = [\"sts.amazonaws.com\"]"),
                optional("thumbprints"),
                optional("provider"),
            ],
        ),
        form("saml", &[required("metadata", "metadata = file(\"corp.xml\")"), optional("name"), optional("provider")]),
    ],
    ..block("federation", &["type", "name"], &[])
};

static IDENTITY: BlockSchema = BlockSchema {
    blocks: &[
        many(&STATEMENT),
        many(&TRUST),
        one(&LEAVER),
        many(&DYNAMIC),
        inner_later(&PROTECT),
        inner_later(&REVIEW),
        many(&CREDENTIAL),
    ],
    ..block(
        "identity",
        &["name"],
        &[
            required("kind", "kind = \"workload\""),
            required("owner", "owner = owner.jane"),
            optional("service"),
            optional("purpose"),
            optional("environment"),
            optional("name"),
            optional("principal"),
            optional("scopes"),
            optional("ttl"),
            optional("expires_at"),
            optional("renewed_at"),
            optional("managed_policy_arns"),
            optional("managed_groups"),
            optional("path"),
            optional("permissions_boundary"),
            optional("tags"),
            optional("max_session_duration"),
            optional("depends_on"),
            optional("for_each"),
            optional("count"),
            optional("template"),
            optional("provider"),
        ],
    )
};

static GROUP: BlockSchema = BlockSchema {
    blocks: &[many(&STATEMENT), many(&DYNAMIC)],
    ..block(
        "group",
        &["name"],
        &[
            optional("members"),
            optional("scopes"),
            optional("managed_policy_arns"),
            optional("name"),
            optional("owner"),
            optional("purpose"),
            optional("provider"),
        ],
    )
};

/// An address that changed.
static MOVED: BlockSchema =
    block("moved", &[], &[required("from", "from = identity.old_label"), required("to", "to = identity.new_label")]);

/// What lives already and shall be the stack's.
static IMPORT: BlockSchema = block(
    "import",
    &[],
    &[
        required("to", "to = identity.legacy_bot"),
        required("id", "id = \"arn:aws:iam::111122223333:user/legacy-bot\""),
        optional("owner"),
        optional("kind"),
    ],
);

/// What is no longer managed, and whether it lives on.
static REMOVED: BlockSchema = BlockSchema {
    blocks: &[one(&LIFECYCLE)],
    ..block("removed", &[], &[required("from", "from = identity.old_label"), optional("keep")])
};

/// Terraform's way to say `keep = true`.
static LIFECYCLE: BlockSchema = block("lifecycle", &[], &[required("destroy", "destroy = false")]);

/// What identities that name it take from it.
static TEMPLATE: BlockSchema = BlockSchema {
    blocks: &[many(&STATEMENT), many(&TRUST), one(&LEAVER), many(&DYNAMIC), many(&CREDENTIAL)],
    ..block(
        "template",
        &["name"],
        &[
            optional("kind"),
            optional("owner"),
            optional("service"),
            optional("purpose"),
            optional("environment"),
            optional("principal"),
            optional("scopes"),
            optional("ttl"),
            optional("expires_at"),
            optional("renewed_at"),
            optional("managed_policy_arns"),
            optional("permissions_boundary"),
            optional("tags"),
            optional("max_session_duration"),
            optional("add"),
            optional("provider"),
        ],
    )
};

static LEAVER: BlockSchema = block("leaver", &[], &[optional("grace"), later("on_owner_exit")]);
static PROTECT: BlockSchema = block("protect", &[], &[]);
static REVIEW: BlockSchema = block("review", &[], &[]);
/// Credentials that stay as they live; with a store, keys that are issued and rotated.
static CREDENTIAL: BlockSchema = BlockSchema {
    forms: &[
        form("access_key", &[optional("store"), optional("rotate_every"), optional("overlap")]),
        form("login", &[]),
        form("ssh_key", &[]),
        form("signing_certificate", &[]),
        form("service_specific", &[]),
        form("mfa_device", &[]),
    ],
    ..block("credential", &["type"], &[])
};

/// A place for the secrets of issued keys.
static STORE: BlockSchema =
    BlockSchema { forms: &[form("file", &[optional("path")])], ..block("store", &["type", "name"], &[]) };

/// The content of a `dynamic` block; what it makes is checked as what it makes.
static DYNAMIC: BlockSchema = BlockSchema {
    blocks: &[one(&CONTENT)],
    ..block(
        "dynamic",
        &["block type"],
        &[required("for_each", "for_each = var.buckets"), optional("iterator"), optional("labels")],
    )
};

static CONTENT: BlockSchema = BlockSchema { open: true, ..block("content", &[], &[]) };

static STATEMENT: BlockSchema = BlockSchema {
    blocks: &[many(&CONDITION), many(&DYNAMIC)],
    ..block(
        "statement",
        &[],
        &[
            optional("sid"),
            optional("effect"),
            optional("actions"),
            optional("not_actions"),
            optional("resources"),
            optional("not_resources"),
        ],
    )
};

static CONDITION: BlockSchema = block(
    "condition",
    &[],
    &[
        required("test", "test = \"StringEquals\""),
        required("variable", "variable = \"aws:RequestedRegion\""),
        required("values", "values = [\"eu-central-1\"]"),
    ],
);

static TRUST: BlockSchema = BlockSchema {
    forms: &[
        form(
            "oidc",
            &[
                required("issuer", "issuer = \"https://token.actions.githubusercontent.com\""),
                required("audiences", "audiences = [\"sts.amazonaws.com\"]"),
                required("subjects", "subjects = [\"repo:acme/checkout:ref:refs/heads/main\"]"),
            ],
        ),
        form("service", &[required("principals", "principals = [\"lambda.amazonaws.com\"]")]),
        form("aws", &[required("principals", "principals = [\"111122223333\"]"), optional("external_id")]),
        form("identity", &[required("identities", "identities = [identity.deployer]")]),
        form(
            "saml",
            &[
                required("provider", "provider = \"arn:aws:iam::111122223333:saml-provider/corp\""),
                required("audiences", "audiences = [\"https://signin.aws.amazon.com/saml\"]"),
            ],
        ),
    ],
    ..block("trust", &["type"], &[])
};
