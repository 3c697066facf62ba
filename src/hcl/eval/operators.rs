//! Evaluates unary and binary operators.

use hcl_edit::expr::BinaryOperator as Op;

use super::{EvalError, EvalScope, Evaluated, Evaluator, describe_value};
use crate::hcl::syntax::{BinaryExpr, Expr, UnaryOperator};
use crate::hcl::value::convert::convert_value;
use crate::hcl::value::{ConfigValue, Number, Type, ValueData};

impl Evaluator<'_> {
    pub(super) fn evaluate_unary(
        &self,
        operator: UnaryOperator,
        operand: &Expr,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let value = self.evaluate_expr(operand, scope)?;
        Ok(match operator {
            UnaryOperator::Negate => {
                let number = self.expect_number_operand(&value, operand, "-", scope)?;
                ConfigValue::new_number(number.to_negated())
            }
            UnaryOperator::Not => ConfigValue::new_bool(!self.expect_bool_operand(&value, operand, "!", scope)?),
        }
        .with_mark(value.sensitive))
    }

    pub(super) fn evaluate_binary(
        &self,
        binary: &BinaryExpr,
        expr: &Expr,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let BinaryExpr { left, operator, right } = binary;
        let sign = operator.as_str();
        let a = self.evaluate_expr(left, scope)?;
        if matches!(operator, Op::And | Op::Or) {
            let decided = self.expect_bool_operand(&a, left, sign, scope)?;
            // The right operand is evaluated only if the left one does not decide the result.
            if decided == (*operator == Op::Or) {
                return Ok(ConfigValue::new_bool(decided).with_mark(a.sensitive));
            }
            let b = self.evaluate_expr(right, scope)?;
            let value = self.expect_bool_operand(&b, right, sign, scope)?;
            return Ok(ConfigValue::new_bool(value).with_mark(a.sensitive || b.sensitive));
        }
        let b = self.evaluate_expr(right, scope)?;
        let (a_steps, b_steps) = (a.size().steps_to_read(), b.size().steps_to_read());
        let mark = a.contains_sensitive() || b.contains_sensitive();
        if matches!(operator, Op::Eq | Op::NotEq) {
            self.budget.take_steps(|| scope.make_span(expr.place), a_steps.min(b_steps))?;
            return Ok(ConfigValue::new_bool((a == b) == (*operator == Op::Eq)).with_mark(mark));
        }
        self.budget.take_steps(|| scope.make_span(expr.place), a_steps.saturating_add(b_steps))?;
        let x = self.expect_number_operand(&a, left, sign, scope)?;
        let y = self.expect_number_operand(&b, right, sign, scope)?;
        let number = match operator {
            Op::Plus => x.try_add(&y),
            Op::Minus => x.try_subtract(&y),
            Op::Mul => x.try_multiply(&y),
            Op::Div => x.try_divide(&y),
            Op::Mod => x.try_remainder(&y),
            Op::Less => return Ok(ConfigValue::new_bool(x < y).with_mark(mark)),
            Op::LessEq => return Ok(ConfigValue::new_bool(x <= y).with_mark(mark)),
            Op::Greater => return Ok(ConfigValue::new_bool(x > y).with_mark(mark)),
            Op::GreaterEq => return Ok(ConfigValue::new_bool(x >= y).with_mark(mark)),
            Op::And | Op::Or | Op::Eq | Op::NotEq => return Err(EvalError::AlreadyReported),
        };
        let number = number.map_err(|problem| {
            EvalError::new(scope.make_span(expr.place), "config::operation", problem.to_string(), "cannot be computed")
        })?;
        Ok(ConfigValue::new_number(number).with_mark(mark))
    }

    fn expect_number_operand(
        &self,
        value: &ConfigValue,
        operand: &Expr,
        sign: &str,
        scope: &EvalScope<'_>,
    ) -> Evaluated<Number> {
        if let Ok(ConfigValue { data: ValueData::Number(number), .. }) = convert_value(value, &Type::Number) {
            return Ok(number);
        }
        let fault = EvalError::new(
            scope.make_span(operand.place),
            "config::operation",
            format!("`{sign}` requires numbers"),
            format!("this is {}", describe_value(value)),
        );
        Err(if sign == "+" && value.as_str().is_some() {
            fault.with_help("to join strings, write \"${a}${b}\"")
        } else {
            fault
        })
    }

    fn expect_bool_operand(
        &self,
        value: &ConfigValue,
        operand: &Expr,
        sign: &str,
        scope: &EvalScope<'_>,
    ) -> Evaluated<bool> {
        if let Ok(ConfigValue { data: ValueData::Bool(flag), .. }) = convert_value(value, &Type::Bool) {
            return Ok(flag);
        }
        Err(EvalError::new(
            scope.make_span(operand.place),
            "config::operation",
            format!("`{sign}` requires bools"),
            format!("this is {}", describe_value(value)),
        ))
    }
}
