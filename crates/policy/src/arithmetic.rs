//! Numbers, times and spans: what comes out, or unknown where nothing sensible does.

use std::cmp::Ordering;

use crate::lang::ast::BinaryOp;
use crate::value::Value;

/// Compares; unknown if one of them is. Texts are compared where they stand.
pub(crate) fn compare(op: BinaryOp, a: Value, b: Value) -> Value {
    let ordering = match (a, b) {
        (Value::Pending, _) | (_, Value::Pending) => return Value::Pending,
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(&b)),
        (Value::Int(a), Value::Int(b))
        | (Value::Time(a), Value::Time(b))
        | (Value::Duration(a), Value::Duration(b))
        | (Value::Bits(a), Value::Bits(b)) => Some(a.cmp(&b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(&b),
        #[expect(
            clippy::cast_precision_loss,
            reason = "as in CEL, numbers of both kinds are compared as numbers"
        )]
        (Value::Int(a), Value::Float(b)) => (a as f64).partial_cmp(&b),
        #[expect(
            clippy::cast_precision_loss,
            reason = "as in CEL, numbers of both kinds are compared as numbers"
        )]
        (Value::Float(a), Value::Int(b)) => a.partial_cmp(&(b as f64)),
        _ => None,
    };
    let Some(ordering) = ordering else {
        return Value::Unknown;
    };
    Value::Bool(match op {
        BinaryOp::Equal => ordering == Ordering::Equal,
        BinaryOp::NotEqual => ordering != Ordering::Equal,
        BinaryOp::Less => ordering == Ordering::Less,
        BinaryOp::LessOrEqual => ordering != Ordering::Greater,
        BinaryOp::Greater => ordering == Ordering::Greater,
        BinaryOp::GreaterOrEqual => ordering != Ordering::Less,
        BinaryOp::In
        | BinaryOp::Add
        | BinaryOp::Subtract
        | BinaryOp::Multiply
        | BinaryOp::Divide
        | BinaryOp::Remainder => return Value::Unknown,
    })
}

/// Works out; overflow and division by zero are unknown.
pub(crate) fn work_out(op: BinaryOp, a: Value, b: Value) -> Value {
    use Value::{Bits, Duration, Float, Int, Pending, Time, Unknown};
    let whole = |a: i64, b: i64| match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Subtract => a.checked_sub(b),
        BinaryOp::Multiply => a.checked_mul(b),
        BinaryOp::Divide => a.checked_div(b),
        BinaryOp::Remainder => a.checked_rem(b),
        _ => None,
    };
    match (a, b) {
        (Pending, _) | (_, Pending) => Pending,
        (Int(a), Int(b)) => whole(a, b).map_or(Unknown, Int),
        (Duration(a), Duration(b) | Int(b)) => whole(a, b).map_or(Unknown, Duration),
        (Bits(a), Bits(b)) => whole(a, b).map_or(Unknown, Bits),
        (Time(a), Time(b)) => whole(a, b).map_or(Unknown, Duration),
        (Time(a), Duration(b)) | (Duration(a), Time(b)) => whole(a, b).map_or(Unknown, Time),
        (Float(a), Float(b)) => {
            let value = match op {
                BinaryOp::Add => a + b,
                BinaryOp::Subtract => a - b,
                BinaryOp::Multiply => a * b,
                BinaryOp::Divide => a / b,
                _ => f64::NAN,
            };
            if value.is_finite() { Float(value) } else { Unknown }
        }
        _ => Unknown,
    }
}
