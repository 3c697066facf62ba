//! Three-valued logic: true, false, or unknown because AWS does not document the behaviour.

/// A truth value of Kleene's three-valued logic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// False under every reading of the AWS documentation.
    No,
    /// Depends on something that AWS does not document.
    Unknown,
    /// True under every reading of the AWS documentation.
    Yes,
}

impl Truth {
    /// Conjunction: No if either is No, Yes if both are Yes, otherwise Unknown.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    /// Disjunction: Yes if either is Yes, No if both are No, otherwise Unknown.
    pub fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    /// Negation; Unknown stays Unknown.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "`!` suggests two-valued logic")]
    pub fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }

    /// Conjunction of all items; Yes if there are none.
    pub fn all(items: impl IntoIterator<Item = Self>) -> Self {
        items.into_iter().fold(Self::Yes, Self::and)
    }

    /// Disjunction of all items; No if there are none.
    pub fn any(items: impl IntoIterator<Item = Self>) -> Self {
        items.into_iter().fold(Self::No, Self::or)
    }
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::Yes } else { Self::No }
    }
}
