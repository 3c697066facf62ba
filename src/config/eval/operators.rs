//! `-x`, `!x`, `a + b`.

use hcl_edit::expr::BinaryOperator as Op;

use super::{Evaluated, Evaluator, Fault, Scope, with_value};
use crate::config::syntax::{Binary, Expr, UnaryOperator};
use crate::config::value::convert::convert;
use crate::config::value::{Data, Number, Type, Value};

impl Evaluator<'_> {
    pub(super) fn unary(&self, operator: UnaryOperator, operand: &Expr, scope: &Scope<'_>) -> Evaluated<Value> {
        let value = self.eval(operand, scope)?;
        Ok(match operator {
            UnaryOperator::Negate => {
                let number = self.operand_number(&value, operand, "-", scope)?;
                Value::number(number.negate())
            }
            UnaryOperator::Not => Value::bool(!self.operand_bool(&value, operand, "!", scope)?),
        }
        .marked(value.sensitive))
    }

    pub(super) fn binary(&self, binary: &Binary, expr: &Expr, scope: &Scope<'_>) -> Evaluated<Value> {
        let Binary { left, operator, right } = binary;
        let sign = operator.as_str();
        let a = self.eval(left, scope)?;
        if matches!(operator, Op::And | Op::Or) {
            let decided = self.operand_bool(&a, left, sign, scope)?;
            // As in most languages, the right side counts only when the left has not decided.
            if decided == (*operator == Op::Or) {
                return Ok(Value::bool(decided).marked(a.sensitive));
            }
            let b = self.eval(right, scope)?;
            let value = self.operand_bool(&b, right, sign, scope)?;
            return Ok(Value::bool(value).marked(a.sensitive || b.sensitive));
        }
        let b = self.eval(right, scope)?;
        let mark = a.any_sensitive() || b.any_sensitive();
        if matches!(operator, Op::Eq | Op::NotEq) {
            self.budget.step(|| scope.span(expr.place), u64::from(a.weight().min(b.weight()) / 8))?;
            return Ok(Value::bool((a == b) == (*operator == Op::Eq)).marked(mark));
        }
        let x = self.operand_number(&a, left, sign, scope)?;
        let y = self.operand_number(&b, right, sign, scope)?;
        let number = match operator {
            Op::Plus => x.add(&y),
            Op::Minus => x.subtract(&y),
            Op::Mul => x.multiply(&y),
            Op::Div => x.divide(&y),
            Op::Mod => x.remainder(&y),
            Op::Less => return Ok(Value::bool(x < y).marked(mark)),
            Op::LessEq => return Ok(Value::bool(x <= y).marked(mark)),
            Op::Greater => return Ok(Value::bool(x > y).marked(mark)),
            Op::GreaterEq => return Ok(Value::bool(x >= y).marked(mark)),
            Op::And | Op::Or | Op::Eq | Op::NotEq => return Err(Fault::Told),
        };
        let number = number.map_err(|problem| {
            Fault::at(scope.span(expr.place), "config::operation", problem.to_string(), "has no value")
        })?;
        Ok(Value::number(number).marked(mark))
    }

    fn operand_number(&self, value: &Value, operand: &Expr, sign: &str, scope: &Scope<'_>) -> Evaluated<Number> {
        if let Ok(Value { data: Data::Number(number), .. }) = convert(value, &Type::Number) {
            return Ok(number);
        }
        let fault = Fault::at(
            scope.span(operand.place),
            "config::operation",
            format!("`{sign}` works on numbers"),
            format!("this is {}", with_value(value)),
        );
        Err(if sign == "+" && value.as_str().is_some() {
            fault.help("strings are joined as \"${a}${b}\"")
        } else {
            fault
        })
    }

    fn operand_bool(&self, value: &Value, operand: &Expr, sign: &str, scope: &Scope<'_>) -> Evaluated<bool> {
        if let Ok(Value { data: Data::Bool(flag), .. }) = convert(value, &Type::Bool) {
            return Ok(flag);
        }
        Err(Fault::at(
            scope.span(operand.place),
            "config::operation",
            format!("`{sign}` works on true and false"),
            format!("this is {}", with_value(value)),
        ))
    }
}
