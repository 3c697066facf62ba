"""The stacks that are compared, as each of the two programs reads them."""


def stack(directory, provider, blocks):
    head = ('leasehold {\n  stack = "compare"\n}\n\nowner "jane" {\n  email = "jane@example.com"\n}\n')
    directory.mkdir()
    (directory / "main.hcl").write_text(head + provider + "".join(blocks))
    return directory


def identity(number):
    return f'''
identity "svc_{number}" {{
  kind    = "service"
  owner   = owner.jane
  purpose = "runs job number {number}"
  ttl     = "90d"

  statement {{
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::acme-{number}/*"]
  }}
}}
'''


def user(number):
    return f'''
identity "svc_{number}" {{
  kind    = "service"
  owner   = owner.jane
  purpose = "runs job number {number}"
  ttl     = "90d"
}}
'''


def workload(number):
    return f'''
identity "workload_{number}" {{
  kind    = "workload"
  owner   = owner.jane
  purpose = "runs job number {number}"
  ttl     = "90d"

  statement {{
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::acme-{number}/*"]
  }}

  trust "service" {{
    principals = ["lambda.amazonaws.com"]
  }}
}}
'''


def holder(kind, number, account):
    """An identity with three policies, in an account."""
    trust = '  trust "service" {\n    principals = ["lambda.amazonaws.com"]\n  }\n' if kind == "workload" else ""
    return f'''
identity "{kind}_{number}" {{
  kind     = "{kind}"
  owner    = owner.jane
  purpose  = "runs job number {number}"
  ttl      = "90d"
  provider = provider.aws.{account}
  scopes   = [scope.orders, scope.releases, scope.reports]
{trust}}}
'''


def shared_policy(name):
    return f'''
scope "{name}" {{
  statement {{
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-{name}/*"]
  }}
}}
'''


def account_block(alias, number):
    return f'''
provider "aws" {{
  alias               = "{alias}"
  region              = "us-east-1"
  allowed_account_ids = ["{number}"]
  assume_role {{ role_arn = "arn:aws:iam::{number}:role/leasehold" }}
}}
'''


def services(count):
    """A local map, as both programs read it."""
    rows = "".join(f'    svc-{n} = {{ team = "t{n % 10}", days = {30 + n % 60} }}\n' for n in range(count))
    return f"locals {{\n  services = {{\n{rows}  }}\n}}\n"


IDENTITY_FOR_EACH = '''
identity "svc" {
  for_each = local.services
  kind     = "service"
  owner    = owner.jane
  purpose  = "runs ${each.key}"
  ttl      = "${each.value.days}d"
  tags     = { team = each.value.team }

  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-${each.key}/*"]
  }
}
'''

TERRAFORM_FOR_EACH = '''
resource "terraform_data" "svc" {
  for_each = local.services
  input = {
    owner   = "jane"
    purpose = "runs ${each.key}"
    ttl     = "${each.value.days}d"
    tags    = { team = each.value.team }
    statement = {
      actions   = ["s3:GetObject"]
      resources = ["arn:aws:s3:::acme-${each.key}/*"]
    }
  }
}
'''


TERRAFORM_USERS = '''
resource "aws_iam_user" "svc" {
  for_each = local.services
  name     = each.key
  tags     = { team = each.value.team, owner = "jane", purpose = "runs ${each.key}", ttl = "${each.value.days}d" }
}

resource "aws_iam_user_policy" "svc" {
  for_each = local.services
  name     = "own"
  user     = aws_iam_user.svc[each.key].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = ["arn:aws:s3:::acme-${each.key}/*"] }]
  })
}
'''


def terraform_data(number):
    return f'''
resource "terraform_data" "svc_{number}" {{
  input = {{
    owner   = "jane"
    purpose = "runs job number {number}"
    ttl     = "90d"
    statement = {{
      actions   = ["s3:GetObject", "s3:PutObject"]
      resources = ["arn:aws:s3:::acme-{number}/*"]
    }}
  }}
}}
'''


def terraform_role(number):
    return f'''
resource "aws_iam_role" "workload_{number}" {{
  name        = "tf_workload_{number}"
  description = "runs job number {number}"
  assume_role_policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole", Principal = {{ Service = "lambda.amazonaws.com" }} }}]
  }})
}}

resource "aws_iam_role_policy" "workload_{number}" {{
  name = "own"
  role = aws_iam_role.workload_{number}.name
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "arn:aws:s3:::acme-{number}/*" }}]
  }})
}}
'''


POLICIES = ("orders", "releases", "reports")


def terraform_share(users, roles):
    """Users and roles that hold three policies each."""
    parts = []
    for name in POLICIES:
        parts.append(f'''
resource "aws_iam_policy" "{name}" {{
  name   = "tf_{name}"
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::acme-{name}/*" }}]
  }})
}}
''')
    trust = 'jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", ' \
            'Principal = { Service = "lambda.amazonaws.com" } }] })'
    for kind, count in (("user", users), ("role", roles)):
        more = f"  assume_role_policy = {trust}\n" if kind == "role" else ""
        for number in range(count):
            parts.append(f'''
resource "aws_iam_{kind}" "{kind}_{number}" {{
  name = "tf_{kind}_{number}"
{more}}}
''')
            parts.extend(f'''
resource "aws_iam_{kind}_policy_attachment" "{kind}_{number}_{name}" {{
  {kind}       = aws_iam_{kind}.{kind}_{number}.name
  policy_arn = aws_iam_policy.{name}.arn
}}
''' for name in POLICIES)
    return "".join(parts)


def terraform_provider(endpoint):
    return f'''
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}

provider "aws" {{
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  endpoints {{
    iam = "{endpoint}"
    sts = "{endpoint}"
  }}
}}
'''
