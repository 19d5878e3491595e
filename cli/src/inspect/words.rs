//! Claims in words, and what a token has less than its parent.

use deputize::{ApprovalRules, ArgumentRules, Budget, Budgets, Claims, Scope};

use crate::time::span;

/// The rules of a tool's arguments, one text each.
pub(crate) fn rules(rules: &ArgumentRules) -> Vec<String> {
    if rules.iter().len() == 0 {
        return vec!["any arguments".to_owned()];
    }
    let name = |name: &str| if name == "*" { "any other argument".to_owned() } else { name.to_owned() };
    rules
        .iter()
        .map(|(argument, constraint, optional)| format!("{}: {constraint}{}", name(argument), if optional { ", or left out" } else { "" }))
        .collect()
}

pub(crate) fn approval_rules(rules: &ApprovalRules) -> Vec<String> {
    let one = |(tool, count, of): (&str, usize, &[deputize::VerifyingKey])| {
        let keys: Vec<_> = of.iter().map(deputize::VerifyingKey::did_key).collect();
        format!("{tool}: {count} of {}", keys.join(", "))
    };
    rules.iter().map(one).collect()
}

pub(crate) fn budgets(budgets: &Budgets) -> Vec<String> {
    let one = |budget: &Budget| {
        let what = match (budget.tool(), budget.argument()) {
            (Some(tool), Some(argument)) => format!("{} of {argument} in all calls of {tool}", budget.limit()),
            (Some(tool), None) => format!("{} calls of {tool}", budget.limit()),
            _ => format!("{} calls", budget.limit()),
        };
        let per = budget.window().map_or_else(String::new, |window| format!(" in each {}", span(window * 1000)));
        let over = if budget.scope() == Scope::Session { ", over the session" } else { ", with everything below" };
        format!("{what}{per}{over}")
    };
    budgets.iter().map(one).collect()
}

pub(crate) fn audience(audience: Option<&[String]>) -> String {
    match audience {
        None => "any".to_owned(),
        Some([]) => "nobody".to_owned(),
        Some(names) => names.join(", "),
    }
}

pub(crate) fn handed_on(hops: u8) -> String {
    match hops {
        0 => "may not be handed on".to_owned(),
        1 => "may be handed on once".to_owned(),
        more => format!("may be handed on {more} times"),
    }
}

/// How a token differs from its parent.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// What it has less.
    pub(crate) removed: Vec<String>,
    /// What it has more, which every verifier refuses.
    pub(crate) wider: Vec<String>,
}

/// `above` is the audience that binds the parent.
pub(crate) fn difference(parent: &Claims, child: &Claims, above: Option<&[String]>) -> Difference {
    let mut all = Difference::default();
    tools(parent, child, &mut all);
    let seconds = |text: &str, from: u64, to: u64| format!("{text} {}", span(from.abs_diff(to) * 1000));
    let (ours, theirs) = (child.expires.secs(), parent.expires.secs());
    if ours < theirs {
        all.removed.push(seconds("lifetime: ends earlier by", theirs, ours));
    } else if ours > theirs {
        all.wider.push(seconds("lifetime: ends later by", ours, theirs));
    }
    let hops = |claims: &Claims| claims.max_depth.saturating_sub(claims.depth);
    let (ours, theirs) = (hops(child), hops(parent));
    if child.max_depth < parent.max_depth {
        all.removed.push(format!("depth: {}; could be {} times", handed_on(ours), theirs.saturating_sub(1)));
    } else if child.max_depth > parent.max_depth {
        all.wider.push(format!("depth: {}", handed_on(ours)));
    }
    if let Some(names) = &child.audience {
        let was = |name: &&String| above.is_none_or(|above| above.contains(name));
        let more: Vec<_> = names.iter().filter(|name| !was(name)).cloned().collect();
        if !more.is_empty() {
            all.wider.push(format!("audience: {}", more.join(", ")));
        } else if above.is_none_or(|above| above.len() > names.len()) {
            all.removed.push(format!("audience: {}, not {}", audience(Some(names)), audience(above)));
        }
    }
    if child.context != parent.context {
        let text = |context: &Option<String>| context.clone().unwrap_or_else(|| "none".to_owned());
        all.removed.push(format!("context: {}, not {}", text(&child.context), text(&parent.context)));
    }
    let added = |what: &str, parent: Vec<String>, child: Vec<String>| {
        child.into_iter().filter(|one| !parent.contains(one)).map(|one| format!("{what} {one}")).collect::<Vec<_>>()
    };
    all.removed.extend(added("needs approval: ", approval_rules(&parent.approvals), approval_rules(&child.approvals)));
    all.wider.extend(added("no approval: ", approval_rules(&child.approvals), approval_rules(&parent.approvals)));
    all.removed.extend(added("at most", budgets(&parent.budgets), budgets(&child.budgets)));
    all
}

fn tools(parent: &Claims, child: &Claims, all: &mut Difference) {
    let gone: Vec<_> = parent.tools.names().filter(|tool| child.tools.rules(tool).is_none()).collect();
    if !gone.is_empty() {
        all.removed.push(format!("tools: {}", gone.join(", ")));
    }
    for (tool, ours) in child.tools.iter() {
        let Some(theirs) = parent.tools.rules(tool) else { continue };
        if theirs != ours {
            let was = rules(theirs);
            let own = rules(ours);
            all.removed.extend(own.iter().filter(|rule| !was.contains(rule)).map(
                |rule| match was.iter().find(|old| same_name(old, rule)) {
                    Some(old) => format!("{tool}, {rule}; was {}", old.split_once(": ").map_or(&**old, |(_, old)| old)),
                    None => format!("{tool}, {rule}; was any value, or none"),
                },
            ));
            let left = was.iter().filter(|rule| rule.contains(": ") && !own.iter().any(|own| same_name(own, rule)));
            all.removed.extend(left.map(|rule| format!("{tool}, {rule}; now it has to be left out")));
        }
    }
    if let Err(error) = parent.tools.subsumes(&child.tools) {
        all.wider.push(format!("{error}; {}", error.help()));
    }
}

/// Whether two texts of [`rules`] are about one argument. Names have no say in anything here: this is for display.
fn same_name(one: &str, other: &str) -> bool {
    one.split_once(": ").map(|(name, _)| name) == other.split_once(": ").map(|(name, _)| name)
}
