//! The version of the policy language that a document is written in.

/// The `Version` element. It decides whether `${…}` is a policy variable or plain text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LanguageVersion {
    /// `2008-10-17`, also the version of a document without `Version`: no policy variables.
    #[default]
    V2008,
    /// `2012-10-17`: `${…}` is a policy variable.
    V2012,
}

impl LanguageVersion {
    /// The spelling in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }
}
