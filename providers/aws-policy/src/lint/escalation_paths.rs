//! Known privilege escalation paths: what a principal can gain if it is granted all actions of a path. The ids and
//! actions are from DataDog's pathfinding.cloud catalogue (Apache-2.0, see NOTICE).

/// What a principal gains by an escalation path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EscalationGain {
    /// More rights for the principal itself.
    OwnPermissions,
    /// The rights of another principal.
    OtherPrincipal,
    /// The rights of a role, by passing it to a service.
    NewRole,
    /// The rights of a role that a service already has.
    ExistingRole,
}

/// One privilege escalation path.
#[derive(Debug, Clone, Copy)]
pub struct EscalationPath {
    /// The id in the pathfinding.cloud catalogue, such as `ec2-001`.
    pub id: &'static str,
    /// What the principal gains.
    pub gain: EscalationGain,
    /// The actions that the path requires, all of them.
    pub actions: &'static [&'static str],
}

/// All known paths, sorted by id.
pub const ESCALATION_PATHS: &[EscalationPath] = &[
    EscalationPath {
        id: "apprunner-001",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "apprunner:CreateService"],
    },
    EscalationPath { id: "apprunner-002", gain: EscalationGain::ExistingRole, actions: &["apprunner:UpdateService"] },
    EscalationPath {
        id: "bedrock-001",
        gain: EscalationGain::NewRole,
        actions: &[
            "iam:PassRole",
            "bedrock-agentcore:CreateCodeInterpreter",
            "bedrock-agentcore:StartCodeInterpreterSession",
            "bedrock-agentcore:InvokeCodeInterpreter",
        ],
    },
    EscalationPath {
        id: "bedrock-002",
        gain: EscalationGain::ExistingRole,
        actions: &["bedrock-agentcore:StartCodeInterpreterSession", "bedrock-agentcore:InvokeCodeInterpreter"],
    },
    EscalationPath {
        id: "cloudformation-001",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "cloudformation:CreateStack"],
    },
    EscalationPath {
        id: "cloudformation-002",
        gain: EscalationGain::ExistingRole,
        actions: &["cloudformation:UpdateStack"],
    },
    EscalationPath {
        id: "cloudformation-003",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "cloudformation:CreateStackSet", "cloudformation:CreateStackInstances"],
    },
    EscalationPath {
        id: "cloudformation-004",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "cloudformation:UpdateStackSet"],
    },
    EscalationPath {
        id: "cloudformation-005",
        gain: EscalationGain::NewRole,
        actions: &["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"],
    },
    EscalationPath {
        id: "codebuild-001",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"],
    },
    EscalationPath { id: "codebuild-002", gain: EscalationGain::ExistingRole, actions: &["codebuild:StartBuild"] },
    EscalationPath { id: "codebuild-003", gain: EscalationGain::ExistingRole, actions: &["codebuild:StartBuildBatch"] },
    EscalationPath {
        id: "codebuild-004",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuildBatch"],
    },
    EscalationPath {
        id: "datapipeline-001",
        gain: EscalationGain::NewRole,
        actions: &[
            "iam:PassRole",
            "datapipeline:CreatePipeline",
            "datapipeline:PutPipelineDefinition",
            "datapipeline:ActivatePipeline",
        ],
    },
    EscalationPath { id: "ec2-001", gain: EscalationGain::NewRole, actions: &["iam:PassRole", "ec2:RunInstances"] },
    EscalationPath {
        id: "ec2-002",
        gain: EscalationGain::ExistingRole,
        actions: &["ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances"],
    },
    EscalationPath {
        id: "ec2-003",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "ec2:RequestSpotInstances"],
    },
    EscalationPath {
        id: "ec2-004",
        gain: EscalationGain::ExistingRole,
        actions: &["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"],
    },
    EscalationPath {
        id: "ec2instanceconnect-003",
        gain: EscalationGain::ExistingRole,
        actions: &["ec2-instance-connect:SendSSHPublicKey", "ec2:DescribeInstances"],
    },
    EscalationPath {
        id: "ecs-001",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:CreateService"],
    },
    EscalationPath {
        id: "ecs-002",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:RunTask"],
    },
    EscalationPath {
        id: "ecs-003",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:CreateService"],
    },
    EscalationPath {
        id: "ecs-004",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"],
    },
    EscalationPath {
        id: "ecs-005",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:StartTask"],
    },
    EscalationPath {
        id: "glue-001",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "glue:CreateDevEndpoint"],
    },
    EscalationPath { id: "glue-002", gain: EscalationGain::ExistingRole, actions: &["glue:UpdateDevEndpoint"] },
    EscalationPath {
        id: "glue-003",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "glue:CreateJob", "glue:StartJobRun"],
    },
    EscalationPath {
        id: "glue-004",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "glue:CreateJob", "glue:CreateTrigger"],
    },
    EscalationPath {
        id: "glue-005",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "glue:UpdateJob", "glue:StartJobRun"],
    },
    EscalationPath {
        id: "glue-006",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "glue:UpdateJob", "glue:CreateTrigger"],
    },
    EscalationPath { id: "iam-001", gain: EscalationGain::OwnPermissions, actions: &["iam:CreatePolicyVersion"] },
    EscalationPath { id: "iam-002", gain: EscalationGain::OtherPrincipal, actions: &["iam:CreateAccessKey"] },
    EscalationPath {
        id: "iam-003",
        gain: EscalationGain::OtherPrincipal,
        actions: &["iam:CreateAccessKey", "iam:DeleteAccessKey"],
    },
    EscalationPath { id: "iam-004", gain: EscalationGain::OtherPrincipal, actions: &["iam:CreateLoginProfile"] },
    EscalationPath { id: "iam-005", gain: EscalationGain::OwnPermissions, actions: &["iam:PutRolePolicy"] },
    EscalationPath { id: "iam-006", gain: EscalationGain::OtherPrincipal, actions: &["iam:UpdateLoginProfile"] },
    EscalationPath { id: "iam-007", gain: EscalationGain::OwnPermissions, actions: &["iam:PutUserPolicy"] },
    EscalationPath { id: "iam-008", gain: EscalationGain::OwnPermissions, actions: &["iam:AttachUserPolicy"] },
    EscalationPath { id: "iam-009", gain: EscalationGain::OwnPermissions, actions: &["iam:AttachRolePolicy"] },
    EscalationPath { id: "iam-010", gain: EscalationGain::OwnPermissions, actions: &["iam:AttachGroupPolicy"] },
    EscalationPath { id: "iam-011", gain: EscalationGain::OwnPermissions, actions: &["iam:PutGroupPolicy"] },
    EscalationPath { id: "iam-012", gain: EscalationGain::OtherPrincipal, actions: &["iam:UpdateAssumeRolePolicy"] },
    EscalationPath { id: "iam-013", gain: EscalationGain::OwnPermissions, actions: &["iam:AddUserToGroup"] },
    EscalationPath {
        id: "iam-014",
        gain: EscalationGain::OtherPrincipal,
        actions: &["iam:AttachRolePolicy", "sts:AssumeRole"],
    },
    EscalationPath {
        id: "iam-015",
        gain: EscalationGain::OtherPrincipal,
        actions: &["iam:AttachUserPolicy", "iam:CreateAccessKey"],
    },
    EscalationPath {
        id: "iam-016",
        gain: EscalationGain::OtherPrincipal,
        actions: &["iam:CreatePolicyVersion", "sts:AssumeRole"],
    },
    EscalationPath {
        id: "iam-017",
        gain: EscalationGain::OtherPrincipal,
        actions: &["iam:PutRolePolicy", "sts:AssumeRole"],
    },
    EscalationPath {
        id: "iam-018",
        gain: EscalationGain::OtherPrincipal,
        actions: &["iam:PutUserPolicy", "iam:CreateAccessKey"],
    },
    EscalationPath {
        id: "iam-019",
        gain: EscalationGain::OtherPrincipal,
        actions: &["iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy"],
    },
    EscalationPath {
        id: "iam-020",
        gain: EscalationGain::OtherPrincipal,
        actions: &["iam:CreatePolicyVersion", "iam:UpdateAssumeRolePolicy"],
    },
    EscalationPath {
        id: "iam-021",
        gain: EscalationGain::OtherPrincipal,
        actions: &["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"],
    },
    EscalationPath {
        id: "lambda-001",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"],
    },
    EscalationPath {
        id: "lambda-002",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"],
    },
    EscalationPath { id: "lambda-003", gain: EscalationGain::ExistingRole, actions: &["lambda:UpdateFunctionCode"] },
    EscalationPath {
        id: "lambda-004",
        gain: EscalationGain::ExistingRole,
        actions: &["lambda:UpdateFunctionCode", "lambda:InvokeFunction"],
    },
    EscalationPath {
        id: "lambda-005",
        gain: EscalationGain::ExistingRole,
        actions: &["lambda:UpdateFunctionCode", "lambda:AddPermission"],
    },
    EscalationPath {
        id: "lambda-006",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "lambda:CreateFunction", "lambda:AddPermission"],
    },
    EscalationPath {
        id: "sagemaker-001",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "sagemaker:CreateNotebookInstance"],
    },
    EscalationPath {
        id: "sagemaker-002",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "sagemaker:CreateTrainingJob"],
    },
    EscalationPath {
        id: "sagemaker-003",
        gain: EscalationGain::NewRole,
        actions: &["iam:PassRole", "sagemaker:CreateProcessingJob"],
    },
    EscalationPath {
        id: "sagemaker-004",
        gain: EscalationGain::ExistingRole,
        actions: &["sagemaker:CreatePresignedNotebookInstanceUrl"],
    },
    EscalationPath {
        id: "sagemaker-005",
        gain: EscalationGain::ExistingRole,
        actions: &[
            "sagemaker:CreateNotebookInstanceLifecycleConfig",
            "sagemaker:StopNotebookInstance",
            "sagemaker:UpdateNotebookInstance",
            "sagemaker:StartNotebookInstance",
        ],
    },
    EscalationPath { id: "ssm-001", gain: EscalationGain::ExistingRole, actions: &["ssm:StartSession"] },
    EscalationPath { id: "ssm-002", gain: EscalationGain::ExistingRole, actions: &["ssm:SendCommand"] },
    EscalationPath { id: "sts-001", gain: EscalationGain::OtherPrincipal, actions: &["sts:AssumeRole"] },
];
