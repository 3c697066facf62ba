//! Renders template files, for `templatefile`. Input: the arguments of the call. Output: a string. A template sees only the variables of
//! the call, and renders no other template.

use std::sync::Arc;

use super::{EvalError, EvalScope, Evaluator};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::functions::{Args, FunctionError, read_text_file};
use crate::hcl::source::FileId;
use crate::hcl::syntax::{ByteRange, parse_template};
use crate::hcl::value::ConfigValue;

/// The largest template file, in bytes: 1 MiB.
const LARGEST_TEMPLATE: usize = 1024 * 1024;

impl Evaluator<'_> {
    /// Renders the file that the first argument names with the variables in the second.
    pub(super) fn render_template_file(&self, args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
        if self.in_template.get() {
            return FunctionError::reject_call("a template cannot render another template");
        }
        let content = read_text_file(args)?;
        if content.len() > LARGEST_TEMPLATE {
            return FunctionError::reject_argument(0, "a template must not be larger than 1 MiB");
        }
        // Parsing takes about one step for each byte.
        args.take_steps(u64::try_from(content.len()).unwrap_or(u64::MAX))?;
        let Some(entries) = args.get(1)?.entries() else {
            return FunctionError::reject_argument(1, "a map or object is required");
        };
        let nowhere = FileId(u32::MAX);
        let failed = |finding: &Diagnostic| {
            let label = finding.location.as_ref().map_or("", |location| location.label.as_str());
            let line = finding.location.as_ref().map_or(0, |location| {
                content.as_bytes().iter().take(location.span.bytes.start).filter(|byte| **byte == b'\n').count() + 1
            });
            FunctionError::Argument(0, format!("line {line} of the template: {} ({label})", finding.summary))
        };
        let parts = parse_template(&content, nowhere).map_err(|finding| failed(&finding))?;
        let bound: Vec<(Arc<str>, ConfigValue)> =
            entries.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let scope = EvalScope::for_bindings(nowhere, &bound);
        self.in_template.set(true);
        let rendered = self.evaluate_template(&parts, ByteRange::default(), &scope);
        self.in_template.set(false);
        match rendered {
            Ok(value) => Ok(value),
            Err(EvalError::Invalid { finding, .. }) => Err(failed(&finding)),
            // The template has no place among the sources, so the call is the place of an exceeded bound.
            Err(EvalError::Exhausted(finding)) => {
                let finding = finding.with_location(args.span.clone(), "stopped in this template");
                Err(FunctionError::Inner(EvalError::Exhausted(Box::new(finding))))
            }
            Err(fault) => Err(FunctionError::Inner(fault)),
        }
    }
}
