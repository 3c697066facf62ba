//! `try` and `can`: evaluate expressions that may fail. Input: the syntax of the call. Output: the value of the first argument that can be
//! evaluated, or whether the argument can be. An exceeded budget is never caught.

use super::{EvalError, EvalScope, Evaluated, Evaluator};
use crate::hcl::syntax::{ByteRange, FunctionCall};
use crate::hcl::value::ConfigValue;

impl Evaluator<'_> {
    /// Evaluates the argument at `index` without notes on its errors, because `try` and `can` do not show them. `None`: there is no such
    /// argument.
    fn evaluate_quietly(
        &self,
        call: &FunctionCall,
        index: usize,
        scope: &EvalScope<'_>,
    ) -> Option<Evaluated<ConfigValue>> {
        let argument = call.arguments.get(index)?;
        self.quiet.set(self.quiet.get() + 1);
        let value = self.evaluate_expr(argument, scope);
        self.quiet.set(self.quiet.get() - 1);
        Some(value)
    }

    /// Whether errors are not shown, so that they need no advice.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet.get() > 0
    }

    /// `try`: the value of the first argument that can be evaluated. An exceeded budget is not caught.
    pub(super) fn evaluate_try(
        &self,
        call: &FunctionCall,
        place: ByteRange,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let mut reasons = Vec::new();
        for index in 0..call.arguments.len() {
            match self.evaluate_quietly(call, index, scope) {
                Some(Ok(value)) => return Ok(value),
                Some(Err(EvalError::Invalid { finding, .. })) => reasons.push(finding.summary),
                Some(Err(fault)) => return Err(fault),
                None => {}
            }
        }
        if call.arguments.is_empty() {
            let summary = "try() takes at least 1 argument, not 0";
            return Err(EvalError::new(
                scope.make_span(call.name.place),
                "config::function",
                summary,
                "try(expressions...)",
            ));
        }
        let reasons: Vec<String> =
            reasons.iter().enumerate().map(|(at, reason)| format!("{}. {reason}", at + 1)).collect();
        let fault = EvalError::new(
            scope.make_span(place),
            "config::function",
            "no argument of try() has a value",
            "all of them fail",
        );
        Err(fault.with_help(format!("the arguments fail for these reasons:\n{}", reasons.join("\n"))))
    }

    /// `can`: whether the argument can be evaluated. An exceeded budget is not caught.
    pub(super) fn evaluate_can(&self, call: &FunctionCall, scope: &EvalScope<'_>) -> Evaluated<ConfigValue> {
        if call.arguments.len() != 1 {
            let summary = format!("can() takes 1 argument, not {}", call.arguments.len());
            return Err(EvalError::new(
                scope.make_span(call.name.place),
                "config::function",
                summary,
                "can(expression)",
            ));
        }
        match self.evaluate_quietly(call, 0, scope) {
            Some(Ok(value)) => Ok(ConfigValue::new_bool(true).with_mark(value.sensitive)),
            Some(Err(EvalError::Invalid { .. })) => Ok(ConfigValue::new_bool(false)),
            Some(Err(fault)) => Err(fault),
            None => Err(EvalError::AlreadyReported),
        }
    }
}
