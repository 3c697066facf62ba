//! The static tables of the schema. Each block is one constant; top-level blocks are listed in [`TOP`].

use super::{AttributeSchema, BlockForm, BlockSchema, InnerBlockSchema};
use crate::providers::PROVIDER_FORMS;

const fn declare_optional(name: &'static str) -> AttributeSchema {
    AttributeSchema { name, required: false, example: "", later: false }
}

const fn declare_required(name: &'static str, example: &'static str) -> AttributeSchema {
    AttributeSchema { name, required: true, example, later: false }
}

const fn declare_reserved(name: &'static str) -> AttributeSchema {
    AttributeSchema { name, required: false, example: "", later: true }
}

const fn declare_single_block(schema: &'static BlockSchema) -> InnerBlockSchema {
    InnerBlockSchema { schema, many: false, later: false }
}

const fn declare_repeated_block(schema: &'static BlockSchema) -> InnerBlockSchema {
    InnerBlockSchema { schema, many: true, later: false }
}

const fn declare_reserved_block(schema: &'static BlockSchema) -> InnerBlockSchema {
    InnerBlockSchema { schema, many: true, later: true }
}

const fn declare_block(
    keyword: &'static str,
    labels: &'static [&'static str],
    attributes: &'static [AttributeSchema],
) -> BlockSchema {
    BlockSchema { keyword, labels, attributes, blocks: &[], open: false, forms: &[] }
}

const fn declare_form(label: &'static str, attributes: &'static [AttributeSchema]) -> BlockForm {
    BlockForm { label, attributes, blocks: &[], later: false }
}

/// The top-level blocks.
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

/// Top-level blocks that are reserved for a later version.
pub const TOP_LATER: &[&str] = &["grant", "rule", "exception", "directory"];

static LEASEHOLD: BlockSchema = BlockSchema {
    blocks: &[declare_single_block(&BACKEND), declare_single_block(&DEFAULTS)],
    ..declare_block(
        "leasehold",
        &[],
        &[declare_required("stack", "stack = \"payments\""), declare_optional("required_version")],
    )
};

/// The `backend` block of a `leasehold` block.
pub static BACKEND: BlockSchema = BlockSchema {
    forms: &[
        declare_form("local", &[declare_optional("path"), declare_optional("lock_lease")]),
        BlockForm {
            blocks: &[declare_single_block(&RETENTION), declare_single_block(&ASSUME_ROLE)],
            ..declare_form(
                "s3",
                &[
                    declare_required("bucket", "bucket = \"acme-leasehold\""),
                    declare_optional("prefix"),
                    declare_optional("region"),
                    declare_optional("endpoint"),
                    declare_optional("kms_key_id"),
                    declare_optional("profile"),
                    declare_optional("lock_lease"),
                ],
            )
        },
        BlockForm {
            later: !cfg!(feature = "azure"),
            ..declare_form(
                "azure",
                &[
                    declare_required("account", "account = \"acmeleasehold\""),
                    declare_required("container", "container = \"leasehold\""),
                    declare_optional("prefix"),
                    declare_optional("lock_lease"),
                ],
            )
        },
        BlockForm {
            later: !cfg!(feature = "gcs"),
            ..declare_form(
                "gcs",
                &[
                    declare_required("bucket", "bucket = \"acme-leasehold\""),
                    declare_optional("prefix"),
                    declare_optional("lock_lease"),
                ],
            )
        },
    ],
    ..declare_block("backend", &["type"], &[])
};

static RETENTION: BlockSchema =
    declare_block("retention", &[], &[declare_required("period", "period = \"365d\""), declare_optional("mode")]);

static DEFAULTS: BlockSchema = BlockSchema {
    blocks: &[declare_single_block(&LEAVER_DEFAULTS)],
    ..declare_block("defaults", &[], &[declare_optional("ttl")])
};

static LEAVER_DEFAULTS: BlockSchema =
    declare_block("leaver", &[], &[declare_optional("grace"), declare_reserved("on_owner_exit")]);

static VARIABLE: BlockSchema = BlockSchema {
    blocks: &[declare_repeated_block(&VALIDATION)],
    ..declare_block(
        "variable",
        &["name"],
        &[
            declare_optional("type"),
            declare_optional("default"),
            declare_optional("description"),
            declare_optional("sensitive"),
            declare_optional("nullable"),
        ],
    )
};

static VALIDATION: BlockSchema = declare_block(
    "validation",
    &[],
    &[
        declare_required("condition", "condition = contains([\"staging\", \"prod\"], var.environment)"),
        declare_required("error_message", "error_message = \"environment is staging or prod.\""),
    ],
);

static LOCALS: BlockSchema = BlockSchema { open: true, ..declare_block("locals", &[], &[]) };

static PROVIDER: BlockSchema = BlockSchema { forms: PROVIDER_FORMS, ..declare_block("provider", &["name"], &[]) };

static ASSUME_ROLE: BlockSchema = declare_block(
    "assume_role",
    &[],
    &[
        declare_required("role_arn", "role_arn = \"arn:aws:iam::111122223333:role/leasehold\""),
        declare_optional("external_id"),
        declare_optional("session_name"),
    ],
);

/// Attributes other than these are values for the variables of the module.
static MODULE: BlockSchema = BlockSchema {
    open: true,
    ..declare_block(
        "module",
        &["name"],
        &[
            declare_required("source", "source = \"./modules/team\""),
            declare_optional("for_each"),
            declare_optional("count"),
            declare_optional("depends_on"),
        ],
    )
};

static OUTPUT: BlockSchema = declare_block(
    "output",
    &["name"],
    &[
        declare_required("value", "value = identity.bot"),
        declare_optional("description"),
        declare_optional("sensitive"),
    ],
);

static OWNER: BlockSchema =
    declare_block("owner", &["name"], &[declare_optional("name"), declare_optional("email"), declare_optional("team")]);

static SERVICE: BlockSchema =
    declare_block("service", &["name"], &[declare_optional("owner"), declare_optional("status")]);

static SCOPE: BlockSchema = BlockSchema {
    blocks: &[declare_repeated_block(&STATEMENT), declare_repeated_block(&DYNAMIC)],
    ..declare_block("scope", &["name"], &[declare_optional("description")])
};

/// An external identity provider (OIDC or SAML) whose statements about a caller the account trusts.
static FEDERATION: BlockSchema = BlockSchema {
    forms: &[
        declare_form(
            "oidc",
            &[
                declare_required("url", "url = \"https://token.actions.githubusercontent.com\""),
                declare_required("audiences", "audiences = [\"sts.amazonaws.com\"]"),
                declare_optional("thumbprints"),
                declare_optional("provider"),
            ],
        ),
        declare_form(
            "saml",
            &[
                declare_required("metadata", "metadata = file(\"corp.xml\")"),
                declare_optional("name"),
                declare_optional("provider"),
            ],
        ),
    ],
    ..declare_block("federation", &["type", "name"], &[])
};

static IDENTITY: BlockSchema = BlockSchema {
    blocks: &[
        declare_repeated_block(&STATEMENT),
        declare_repeated_block(&TRUST),
        declare_single_block(&LEAVER),
        declare_repeated_block(&DYNAMIC),
        declare_reserved_block(&PROTECT),
        declare_reserved_block(&REVIEW),
        declare_repeated_block(&CREDENTIAL),
    ],
    ..declare_block(
        "identity",
        &["name"],
        &[
            declare_required("kind", "kind = \"workload\""),
            declare_required("owner", "owner = owner.jane"),
            declare_optional("service"),
            declare_optional("purpose"),
            declare_optional("environment"),
            declare_optional("name"),
            declare_optional("principal"),
            declare_optional("scopes"),
            declare_optional("ttl"),
            declare_optional("expires_at"),
            declare_optional("renewed_at"),
            declare_optional("managed_policy_arns"),
            declare_optional("managed_groups"),
            declare_optional("path"),
            declare_optional("permissions_boundary"),
            declare_optional("tags"),
            declare_optional("max_session_duration"),
            declare_optional("depends_on"),
            declare_optional("for_each"),
            declare_optional("count"),
            declare_optional("template"),
            declare_optional("provider"),
        ],
    )
};

static GROUP: BlockSchema = BlockSchema {
    blocks: &[declare_repeated_block(&STATEMENT), declare_repeated_block(&DYNAMIC)],
    ..declare_block(
        "group",
        &["name"],
        &[
            declare_optional("members"),
            declare_optional("scopes"),
            declare_optional("managed_policy_arns"),
            declare_optional("name"),
            declare_optional("owner"),
            declare_optional("purpose"),
            declare_optional("provider"),
        ],
    )
};

/// A change of an address.
static MOVED: BlockSchema = declare_block(
    "moved",
    &[],
    &[declare_required("from", "from = identity.old_label"), declare_required("to", "to = identity.new_label")],
);

/// The import of an existing object, which the stack manages from then on.
static IMPORT: BlockSchema = declare_block(
    "import",
    &[],
    &[
        declare_required("to", "to = identity.legacy_bot"),
        declare_required("id", "id = \"arn:aws:iam::111122223333:user/legacy-bot\""),
        declare_optional("owner"),
        declare_optional("kind"),
    ],
);

/// An object that is no longer managed, and whether it continues to exist.
static REMOVED: BlockSchema = BlockSchema {
    blocks: &[declare_single_block(&LIFECYCLE)],
    ..declare_block("removed", &[], &[declare_required("from", "from = identity.old_label"), declare_optional("keep")])
};

/// Terraform's syntax for `keep = true`.
static LIFECYCLE: BlockSchema = declare_block("lifecycle", &[], &[declare_required("destroy", "destroy = false")]);

/// Attributes and blocks that the identities that refer to it inherit.
static TEMPLATE: BlockSchema = BlockSchema {
    blocks: &[
        declare_repeated_block(&STATEMENT),
        declare_repeated_block(&TRUST),
        declare_single_block(&LEAVER),
        declare_repeated_block(&DYNAMIC),
        declare_repeated_block(&CREDENTIAL),
    ],
    ..declare_block(
        "template",
        &["name"],
        &[
            declare_optional("kind"),
            declare_optional("owner"),
            declare_optional("service"),
            declare_optional("purpose"),
            declare_optional("environment"),
            declare_optional("principal"),
            declare_optional("scopes"),
            declare_optional("ttl"),
            declare_optional("expires_at"),
            declare_optional("renewed_at"),
            declare_optional("managed_policy_arns"),
            declare_optional("permissions_boundary"),
            declare_optional("tags"),
            declare_optional("max_session_duration"),
            declare_optional("add"),
            declare_optional("provider"),
        ],
    )
};

static LEAVER: BlockSchema =
    declare_block("leaver", &[], &[declare_optional("grace"), declare_reserved("on_owner_exit")]);
static PROTECT: BlockSchema = declare_block("protect", &[], &[]);
static REVIEW: BlockSchema = declare_block("review", &[], &[]);
/// Credentials that are left unchanged. An access key with a store is issued and rotated.
static CREDENTIAL: BlockSchema = BlockSchema {
    forms: &[
        declare_form(
            "access_key",
            &[declare_optional("store"), declare_optional("rotate_every"), declare_optional("overlap")],
        ),
        declare_form("login", &[]),
        declare_form("ssh_key", &[]),
        declare_form("signing_certificate", &[]),
        declare_form("service_specific", &[]),
        declare_form("mfa_device", &[]),
    ],
    ..declare_block("credential", &["type"], &[])
};

/// A store for the secrets of issued keys.
static STORE: BlockSchema = BlockSchema {
    forms: &[declare_form("file", &[declare_optional("path")])],
    ..declare_block("store", &["type", "name"], &[])
};

/// A block that generates blocks. Its `content` is checked by the schema of the generated type.
static DYNAMIC: BlockSchema = BlockSchema {
    blocks: &[declare_single_block(&CONTENT)],
    ..declare_block(
        "dynamic",
        &["block type"],
        &[
            declare_required("for_each", "for_each = var.buckets"),
            declare_optional("iterator"),
            declare_optional("labels"),
        ],
    )
};

static CONTENT: BlockSchema = BlockSchema { open: true, ..declare_block("content", &[], &[]) };

static STATEMENT: BlockSchema = BlockSchema {
    blocks: &[declare_repeated_block(&CONDITION), declare_repeated_block(&DYNAMIC)],
    ..declare_block(
        "statement",
        &[],
        &[
            declare_optional("sid"),
            declare_optional("effect"),
            declare_optional("actions"),
            declare_optional("not_actions"),
            declare_optional("resources"),
            declare_optional("not_resources"),
        ],
    )
};

static CONDITION: BlockSchema = declare_block(
    "condition",
    &[],
    &[
        declare_required("test", "test = \"StringEquals\""),
        declare_required("variable", "variable = \"aws:RequestedRegion\""),
        declare_required("values", "values = [\"eu-central-1\"]"),
    ],
);

static TRUST: BlockSchema = BlockSchema {
    forms: &[
        declare_form(
            "oidc",
            &[
                declare_required("issuer", "issuer = \"https://token.actions.githubusercontent.com\""),
                declare_required("audiences", "audiences = [\"sts.amazonaws.com\"]"),
                declare_required("subjects", "subjects = [\"repo:acme/checkout:ref:refs/heads/main\"]"),
            ],
        ),
        declare_form("service", &[declare_required("principals", "principals = [\"lambda.amazonaws.com\"]")]),
        declare_form(
            "aws",
            &[declare_required("principals", "principals = [\"111122223333\"]"), declare_optional("external_id")],
        ),
        declare_form("identity", &[declare_required("identities", "identities = [identity.deployer]")]),
        declare_form(
            "saml",
            &[
                declare_required("provider", "provider = \"arn:aws:iam::111122223333:saml-provider/corp\""),
                declare_required("audiences", "audiences = [\"https://signin.aws.amazon.com/saml\"]"),
            ],
        ),
    ],
    ..declare_block("trust", &["type"], &[])
};
