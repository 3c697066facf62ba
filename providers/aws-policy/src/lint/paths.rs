//! Known ways from some actions to more rights: what a principal who may do all of these actions can gain. Facts from
//! DataDog's pathfinding.cloud catalogue (Apache-2.0, named in NOTICE); actions only.

/// What is gained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gain {
    /// More rights for oneself.
    OwnRights,
    /// The rights of another principal.
    OtherPrincipal,
    /// The rights of a role, by handing it to a service.
    NewRole,
    /// The rights of a role that a service already holds.
    ExistingRole,
}

/// One way.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// The id in the catalogue.
    pub id: &'static str,
    /// What is gained.
    pub gain: Gain,
    /// All of these are needed.
    pub actions: &'static [&'static str],
}

/// All of them, by id.
pub const PATHS: &[Path] = &[
    Path { id: "apprunner-001", gain: Gain::NewRole, actions: &["iam:PassRole", "apprunner:CreateService"] },
    Path { id: "apprunner-002", gain: Gain::ExistingRole, actions: &["apprunner:UpdateService"] },
    Path {
        id: "bedrock-001",
        gain: Gain::NewRole,
        actions: &[
            "iam:PassRole",
            "bedrock-agentcore:CreateCodeInterpreter",
            "bedrock-agentcore:StartCodeInterpreterSession",
            "bedrock-agentcore:InvokeCodeInterpreter",
        ],
    },
    Path {
        id: "bedrock-002",
        gain: Gain::ExistingRole,
        actions: &["bedrock-agentcore:StartCodeInterpreterSession", "bedrock-agentcore:InvokeCodeInterpreter"],
    },
    Path { id: "cloudformation-001", gain: Gain::NewRole, actions: &["iam:PassRole", "cloudformation:CreateStack"] },
    Path { id: "cloudformation-002", gain: Gain::ExistingRole, actions: &["cloudformation:UpdateStack"] },
    Path {
        id: "cloudformation-003",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "cloudformation:CreateStackSet", "cloudformation:CreateStackInstances"],
    },
    Path { id: "cloudformation-004", gain: Gain::NewRole, actions: &["iam:PassRole", "cloudformation:UpdateStackSet"] },
    Path {
        id: "cloudformation-005",
        gain: Gain::NewRole,
        actions: &["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"],
    },
    Path {
        id: "codebuild-001",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"],
    },
    Path { id: "codebuild-002", gain: Gain::ExistingRole, actions: &["codebuild:StartBuild"] },
    Path { id: "codebuild-003", gain: Gain::ExistingRole, actions: &["codebuild:StartBuildBatch"] },
    Path {
        id: "codebuild-004",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuildBatch"],
    },
    Path {
        id: "datapipeline-001",
        gain: Gain::NewRole,
        actions: &[
            "iam:PassRole",
            "datapipeline:CreatePipeline",
            "datapipeline:PutPipelineDefinition",
            "datapipeline:ActivatePipeline",
        ],
    },
    Path { id: "ec2-001", gain: Gain::NewRole, actions: &["iam:PassRole", "ec2:RunInstances"] },
    Path {
        id: "ec2-002",
        gain: Gain::ExistingRole,
        actions: &["ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances"],
    },
    Path { id: "ec2-003", gain: Gain::NewRole, actions: &["iam:PassRole", "ec2:RequestSpotInstances"] },
    Path {
        id: "ec2-004",
        gain: Gain::ExistingRole,
        actions: &["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"],
    },
    Path {
        id: "ec2instanceconnect-003",
        gain: Gain::ExistingRole,
        actions: &["ec2-instance-connect:SendSSHPublicKey", "ec2:DescribeInstances"],
    },
    Path {
        id: "ecs-001",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:CreateService"],
    },
    Path {
        id: "ecs-002",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:RunTask"],
    },
    Path {
        id: "ecs-003",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:CreateService"],
    },
    Path {
        id: "ecs-004",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"],
    },
    Path {
        id: "ecs-005",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:StartTask"],
    },
    Path { id: "glue-001", gain: Gain::NewRole, actions: &["iam:PassRole", "glue:CreateDevEndpoint"] },
    Path { id: "glue-002", gain: Gain::ExistingRole, actions: &["glue:UpdateDevEndpoint"] },
    Path { id: "glue-003", gain: Gain::NewRole, actions: &["iam:PassRole", "glue:CreateJob", "glue:StartJobRun"] },
    Path { id: "glue-004", gain: Gain::NewRole, actions: &["iam:PassRole", "glue:CreateJob", "glue:CreateTrigger"] },
    Path { id: "glue-005", gain: Gain::NewRole, actions: &["iam:PassRole", "glue:UpdateJob", "glue:StartJobRun"] },
    Path { id: "glue-006", gain: Gain::NewRole, actions: &["iam:PassRole", "glue:UpdateJob", "glue:CreateTrigger"] },
    Path { id: "iam-001", gain: Gain::OwnRights, actions: &["iam:CreatePolicyVersion"] },
    Path { id: "iam-002", gain: Gain::OtherPrincipal, actions: &["iam:CreateAccessKey"] },
    Path { id: "iam-003", gain: Gain::OtherPrincipal, actions: &["iam:CreateAccessKey", "iam:DeleteAccessKey"] },
    Path { id: "iam-004", gain: Gain::OtherPrincipal, actions: &["iam:CreateLoginProfile"] },
    Path { id: "iam-005", gain: Gain::OwnRights, actions: &["iam:PutRolePolicy"] },
    Path { id: "iam-006", gain: Gain::OtherPrincipal, actions: &["iam:UpdateLoginProfile"] },
    Path { id: "iam-007", gain: Gain::OwnRights, actions: &["iam:PutUserPolicy"] },
    Path { id: "iam-008", gain: Gain::OwnRights, actions: &["iam:AttachUserPolicy"] },
    Path { id: "iam-009", gain: Gain::OwnRights, actions: &["iam:AttachRolePolicy"] },
    Path { id: "iam-010", gain: Gain::OwnRights, actions: &["iam:AttachGroupPolicy"] },
    Path { id: "iam-011", gain: Gain::OwnRights, actions: &["iam:PutGroupPolicy"] },
    Path { id: "iam-012", gain: Gain::OtherPrincipal, actions: &["iam:UpdateAssumeRolePolicy"] },
    Path { id: "iam-013", gain: Gain::OwnRights, actions: &["iam:AddUserToGroup"] },
    Path { id: "iam-014", gain: Gain::OtherPrincipal, actions: &["iam:AttachRolePolicy", "sts:AssumeRole"] },
    Path { id: "iam-015", gain: Gain::OtherPrincipal, actions: &["iam:AttachUserPolicy", "iam:CreateAccessKey"] },
    Path { id: "iam-016", gain: Gain::OtherPrincipal, actions: &["iam:CreatePolicyVersion", "sts:AssumeRole"] },
    Path { id: "iam-017", gain: Gain::OtherPrincipal, actions: &["iam:PutRolePolicy", "sts:AssumeRole"] },
    Path { id: "iam-018", gain: Gain::OtherPrincipal, actions: &["iam:PutUserPolicy", "iam:CreateAccessKey"] },
    Path {
        id: "iam-019",
        gain: Gain::OtherPrincipal,
        actions: &["iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy"],
    },
    Path {
        id: "iam-020",
        gain: Gain::OtherPrincipal,
        actions: &["iam:CreatePolicyVersion", "iam:UpdateAssumeRolePolicy"],
    },
    Path { id: "iam-021", gain: Gain::OtherPrincipal, actions: &["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"] },
    Path {
        id: "lambda-001",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"],
    },
    Path {
        id: "lambda-002",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"],
    },
    Path { id: "lambda-003", gain: Gain::ExistingRole, actions: &["lambda:UpdateFunctionCode"] },
    Path {
        id: "lambda-004",
        gain: Gain::ExistingRole,
        actions: &["lambda:UpdateFunctionCode", "lambda:InvokeFunction"],
    },
    Path {
        id: "lambda-005",
        gain: Gain::ExistingRole,
        actions: &["lambda:UpdateFunctionCode", "lambda:AddPermission"],
    },
    Path {
        id: "lambda-006",
        gain: Gain::NewRole,
        actions: &["iam:PassRole", "lambda:CreateFunction", "lambda:AddPermission"],
    },
    Path { id: "sagemaker-001", gain: Gain::NewRole, actions: &["iam:PassRole", "sagemaker:CreateNotebookInstance"] },
    Path { id: "sagemaker-002", gain: Gain::NewRole, actions: &["iam:PassRole", "sagemaker:CreateTrainingJob"] },
    Path { id: "sagemaker-003", gain: Gain::NewRole, actions: &["iam:PassRole", "sagemaker:CreateProcessingJob"] },
    Path { id: "sagemaker-004", gain: Gain::ExistingRole, actions: &["sagemaker:CreatePresignedNotebookInstanceUrl"] },
    Path {
        id: "sagemaker-005",
        gain: Gain::ExistingRole,
        actions: &[
            "sagemaker:CreateNotebookInstanceLifecycleConfig",
            "sagemaker:StopNotebookInstance",
            "sagemaker:UpdateNotebookInstance",
            "sagemaker:StartNotebookInstance",
        ],
    },
    Path { id: "ssm-001", gain: Gain::ExistingRole, actions: &["ssm:StartSession"] },
    Path { id: "ssm-002", gain: Gain::ExistingRole, actions: &["ssm:SendCommand"] },
    Path { id: "sts-001", gain: Gain::OtherPrincipal, actions: &["sts:AssumeRole"] },
];
