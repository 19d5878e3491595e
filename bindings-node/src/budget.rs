//! Budgets, by their members.

use deputize::{Budget, Budgets, Code, Error, Result, Scope, Value};
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;

use crate::errors::thrown;
use crate::fields::{self, Fields, number, text};

/// Refuses members that are no budget's.
#[napi(catch_unwind)]
pub fn budget_check(members: BufferSlice) -> crate::errors::Result<()> {
    crate::tape::read(&members).and_then(budget).map(drop).map_err(thrown)
}

/// A budget from `{limit, over, tool, argument, per}`.
pub(crate) fn budget(value: Value) -> Result<Budget> {
    let mut members = Fields::of(value)?;
    let limit = members.required("limit", number)?;
    let tool = members.optional("tool", text)?;
    let budget = match (members.optional("argument", text)?, &tool) {
        (Some(argument), Some(tool)) => Budget::sum(limit, tool, &argument)?,
        (None, Some(tool)) => Budget::calls(limit)?.of_tool(tool)?,
        (None, None) => Budget::calls(limit)?,
        (Some(_), None) => return Err(crate::tape::broken()),
    };
    let budget = match members.optional("per", number)? {
        Some(seconds) => budget.per(seconds)?,
        None => budget,
    };
    match members.required("over", text)?.as_str() {
        "family" => Ok(budget),
        "session" => Ok(budget.over_session()),
        other => Err(Error::named(Code::ClaimInvalid, "a budget counts over a family or a session, not over", other)),
    }
}

/// The budgets of a token for display.
pub(crate) fn budgets_to_value(budgets: &Budgets) -> Value {
    let count = |number: u64| Value::Integer(number as i64);
    let one = |budget: &Budget| {
        fields::map(vec![
            ("limit", Some(count(budget.limit()))),
            ("scope", Some(Value::from(if budget.scope() == Scope::Session { "session" } else { "family" }))),
            ("tool", budget.tool().map(Value::from)),
            ("argument", budget.argument().map(Value::from)),
            ("window", budget.window().map(count)),
        ])
    };
    Value::List(budgets.iter().map(one).collect())
}
