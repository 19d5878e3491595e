//! Budgets of a token, and sessions.

use deputize::{Budgets, Code, Digest, Error, Scope, SessionId, os};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::convert::{self, duration, sequence, text, unsigned};
use crate::errors::{Result, entry};
use crate::given::id;

const WHAT: &str = "budgets: a list of Budget";

/// A limit on calls, or on the sum of an argument.
#[pyclass(frozen, module = "deputize")]
pub struct Budget(deputize::Budget);

#[pymethods]
impl Budget {
    /// So many calls, of one tool or of all.
    #[staticmethod]
    #[pyo3(signature = (limit, tool=None, per=None, over=None))]
    fn calls(
        limit: &Bound<'_, PyAny>,
        tool: Option<&Bound<'_, PyAny>>,
        per: Option<&Bound<'_, PyAny>>,
        over: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let budget = deputize::Budget::calls(amount(limit)?)?;
            let budget = match tool {
                Some(tool) => budget.of_tool(&text(tool, Code::NameInvalid, "tool: a text")?)?,
                None => budget,
            };
            Ok(Budget(counted(budget, per, over)?))
        })
    }

    /// So much of an argument of a tool, summed over its calls.
    #[staticmethod]
    #[pyo3(signature = (limit, tool, argument, per=None, over=None))]
    fn total(
        limit: &Bound<'_, PyAny>,
        tool: &Bound<'_, PyAny>,
        argument: &Bound<'_, PyAny>,
        per: Option<&Bound<'_, PyAny>>,
        over: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let tool = text(tool, Code::NameInvalid, "tool: a text")?;
            let argument = text(argument, Code::NameInvalid, "argument: a text")?;
            Ok(Budget(counted(deputize::Budget::sum(amount(limit)?, &tool, &argument)?, per, over)?))
        })
    }

    #[getter]
    const fn limit(&self) -> u64 {
        self.0.limit()
    }

    #[getter]
    const fn scope(&self) -> &'static str {
        scope(&self.0)
    }

    #[getter]
    fn tool(&self) -> Option<&str> {
        self.0.tool()
    }

    #[getter]
    fn argument(&self) -> Option<&str> {
        self.0.argument()
    }

    /// Seconds of a window.
    #[getter]
    const fn window(&self) -> Option<u64> {
        self.0.window()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Budget>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        (self.limit(), self.scope(), self.tool(), self.argument(), self.window()).into_pyobject(py)?.hash()
    }

    fn __repr__(&self) -> String {
        let what = match (self.argument(), self.tool()) {
            (Some(argument), Some(tool)) => format!("total of {argument:?} of {tool:?}"),
            (_, Some(tool)) => format!("calls of {tool:?}"),
            _ => "calls".to_owned(),
        };
        let window = self.window().map_or_else(String::new, |seconds| format!(" in {seconds} s"));
        format!("Budget(at most {} {what}{window}, over the {})", self.limit(), self.scope())
    }
}

fn amount(limit: &Bound<'_, PyAny>) -> deputize::Result<u64> {
    unsigned(limit, Code::ClaimInvalid, "a budget's limit: 1 to 2^53 - 1")
}

fn counted(
    budget: deputize::Budget,
    per: Option<&Bound<'_, PyAny>>,
    over: Option<&Bound<'_, PyAny>>,
) -> deputize::Result<deputize::Budget> {
    const OVER: &str = "a budget counts over a family or a session, not over";
    let budget = match per {
        Some(per) => budget.per(duration(per)?)?,
        None => budget,
    };
    let Some(over) = over else { return Ok(budget) };
    match &*text(over, Code::ClaimInvalid, "over: family or session")? {
        "family" => Ok(budget),
        "session" => Ok(budget.over_session()),
        other => Err(Error::named(Code::ClaimInvalid, OVER, other)),
    }
}

const fn scope(budget: &deputize::Budget) -> &'static str {
    match budget.scope() {
        Scope::Family => "family",
        Scope::Session => "session",
    }
}

/// The option `budgets`.
pub fn budgets_of(object: &Bound<'_, PyAny>) -> Result<Vec<deputize::Budget>> {
    let list = sequence(object).ok_or(Error::about(Code::ClaimInvalid, WHAT))?;
    let budget = |one: Borrowed<'_, '_, PyAny>| match one.cast::<Budget>() {
        Ok(budget) => Ok(budget.get().0.clone()),
        Err(_) => Err(Error::about(Code::ClaimInvalid, WHAT).into()),
    };
    list.iter_borrowed().map(budget).collect()
}

/// Budgets for display; absent members are left out.
pub fn budgets_to_python<'py>(py: Python<'py>, budgets: &Budgets) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for budget in budgets.iter() {
        let dict = PyDict::new(py);
        dict.set_item("limit", budget.limit())?;
        dict.set_item("scope", scope(budget))?;
        for (name, text) in [("tool", budget.tool()), ("argument", budget.argument())] {
            if let Some(text) = text {
                dict.set_item(name, text)?;
            }
        }
        if let Some(window) = budget.window() {
            dict.set_item("window", window)?;
        }
        list.append(dict)?;
    }
    Ok(list)
}

/// A session that an issuer opened: a random id, and the task that it is for.
#[pyclass(frozen, module = "deputize")]
pub struct Session(pub deputize::Session);

#[pymethods]
impl Session {
    /// A new session, for a task if one is described: bytes, or a text as UTF-8.
    #[staticmethod]
    #[pyo3(signature = (task=None))]
    fn open(task: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        const WHAT: &str = "task: bytes or a text";
        entry(|| {
            let session = deputize::Session::open(&mut os::SysRng)?;
            let Some(task) = task else { return Ok(Session(session)) };
            let description = match convert::bytes(task)? {
                Some(bytes) => bytes,
                None => text(task, Code::ClaimInvalid, WHAT)?.into_bytes(),
            };
            Ok(Session(session.for_task(&description)))
        })
    }

    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.id().as_bytes())
    }

    /// The digest of its task.
    #[getter]
    fn task<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.task().map(|task| PyBytes::new(py, task.as_bytes()))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Session>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.id(py).hash()
    }

    fn __repr__(&self) -> String {
        format!("Session({})", self.0.id())
    }
}

/// The id of a session, and its task: a `Session`, or an id.
pub fn session_of(object: &Bound<'_, PyAny>) -> deputize::Result<(SessionId, Option<Digest>)> {
    if let Ok(session) = object.cast::<Session>() {
        return Ok((session.get().0.id(), session.get().0.task()));
    }
    Ok((SessionId::from_bytes(id(object, "session: a Session, 16 bytes, or 32 digits of lower-case hex")?), None))
}
