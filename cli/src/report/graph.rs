//! Who gave what to whom, and what was called with it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use deputize::LogRecord;

use super::gather::{FEW, ROWS, brief, slot};
use super::html::Html;
use super::page::{cell, some, table};
use crate::visible::visible;

/// Nodes and edges that are kept, and nodes of a column that are drawn.
const MOST: usize = 2000;
const DRAWN: usize = 10;
/// Of the drawing, in its own units: a box, and from one to the next.
const BOX: usize = 164;
const TALL: usize = 46;
const ROW: usize = 66;
const COLUMN: usize = 236;
/// More room before the column of tools, for counts.
const CALLS: usize = 90;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Issuer,
    Agent,
    Unproven,
    Tool,
}

#[derive(Debug)]
struct Node {
    kind: Kind,
    name: String,
    /// Below the name.
    more: String,
    depth: usize,
    is_revoked: bool,
    calls: u64,
}

#[derive(Debug, Default)]
struct Edge {
    allowed: u64,
    denied: u64,
    /// What was handed on.
    tools: Vec<String>,
    /// Why calls were denied.
    codes: BTreeMap<String, u64>,
}

/// Where each node is that is drawn, the width and height of all, and how many are not drawn.
struct Layout {
    places: Vec<Option<(usize, usize)>>,
    width: usize,
    height: usize,
    hidden: usize,
}

#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    ids: BTreeMap<String, usize>,
    edges: BTreeMap<(usize, usize), Edge>,
    left_out: u64,
}

impl Graph {
    /// A token that was issued or delegated.
    pub(super) fn gave(&mut self, record: &LogRecord) {
        let path = self.path(record);
        if let [.., from, to] = path[..]
            && let Some(edge) = self.edge(from, to)
        {
            edge.tools = record.tools.iter().take(FEW).map(|tool| brief(tool)).collect();
        }
    }

    /// A decision about a call. What is not proven is nobody's call.
    pub(super) fn called(&mut self, record: &LogRecord) {
        let Some(tool) = record.tool.as_deref() else { return };
        let path = self.path(record);
        for pair in path.windows(2) {
            self.edge(pair[0], pair[1]);
        }
        let caller = match (path.last(), &record.proof) {
            (Some(caller), Some(_)) => Some(*caller),
            _ => self.node("?", Kind::Unproven, "unproven", "nobody with a proof", 1),
        };
        let tool = self.node(&format!("tool {tool}"), Kind::Tool, tool, "", usize::MAX);
        if let (Some(caller), Some(tool)) = (caller, tool) {
            self.nodes[tool].calls += 1;
            self.nodes[caller].calls += 1;
            if let Some(edge) = self.edge(caller, tool) {
                if record.is_allowed() {
                    edge.allowed += 1;
                } else {
                    edge.denied += 1;
                    *slot(&mut edge.codes, record.code.as_deref().unwrap_or("?"), FEW) += 1;
                }
            }
        }
    }

    pub(super) fn revoked(&mut self, key: &str) {
        if let Some(at) = self.ids.get(key) {
            self.nodes[*at].is_revoked = true;
        }
    }

    /// The nodes from the issuer to the last holder.
    fn path(&mut self, record: &LogRecord) -> Vec<usize> {
        if record.chain.is_empty() {
            return Vec::new();
        }
        let issuer = record.issuer.as_deref().unwrap_or("?");
        let mut path: Vec<_> = self.node(&format!("issuer {issuer}"), Kind::Issuer, issuer, "trust anchor", 0).into_iter().collect();
        for (link, holder) in record.chain.iter().enumerate() {
            let name = record.holder_name(link).unwrap_or(&holder.key);
            path.extend(self.node(&holder.key, Kind::Agent, name, &short(&holder.key), link + 1));
        }
        path
    }

    fn node(&mut self, id: &str, kind: Kind, name: &str, more: &str, depth: usize) -> Option<usize> {
        let id = brief(id);
        if let Some(at) = self.ids.get(&id) {
            let node = &mut self.nodes[*at];
            node.depth = node.depth.max(depth);
            return Some(*at);
        }
        if self.nodes.len() >= MOST {
            self.left_out += 1;
            return None;
        }
        self.nodes.push(Node { kind, name: brief(name), more: more.to_owned(), depth, is_revoked: false, calls: 0 });
        self.ids.insert(id, self.nodes.len() - 1);
        Some(self.nodes.len() - 1)
    }

    fn edge(&mut self, from: usize, to: usize) -> Option<&mut Edge> {
        if self.edges.len() >= MOST && !self.edges.contains_key(&(from, to)) {
            self.left_out += 1;
            return None;
        }
        Some(self.edges.entry((from, to)).or_default())
    }

    pub(super) fn draw(&self, page: &mut Html) {
        if self.nodes.is_empty() {
            page.raw("<p class=\"empty\">No authority was given or used.</p>");
            return;
        }
        let Layout { places, width, height, hidden } = self.layout();
        page.raw(
            "<div class=\"scroll\" role=\"region\" aria-label=\"Drawing, which scrolls\" tabindex=\"0\"><svg class=\"graph\" role=\"img\" aria-label=\"Who gave what to whom, and what was called: the same is in the table below\" width=\"",
        );
        page.number(width).raw("\" height=\"").number(height).raw("\" viewBox=\"0 0 ").number(width).raw(" ").number(height).raw("\">");
        for ((from, to), edge) in &self.edges {
            if let (Some(start), Some(end)) = (places[*from], places[*to]) {
                self.draw_edge(page, (*from, start), (*to, end), edge);
            }
        }
        for ((from, to), edge) in &self.edges {
            if let (Some(start), Some(end), Kind::Tool) = (places[*from], places[*to], self.nodes[*to].kind) {
                Self::draw_count(page, start, end, edge);
            }
        }
        for (node, place) in self.nodes.iter().zip(&places) {
            if let Some(place) = place {
                draw_node(page, node, *place);
            }
        }
        page.raw("</svg></div><p class=\"keys\"><i class=\"line gave\"></i>gave authority <i class=\"line allow\"></i>allowed calls <i class=\"line deny\"></i>denied calls <i class=\"line mixed\"></i>both</p>");
        let hidden = hidden as u64 + self.left_out;
        if hidden > 0 {
            page.raw("<p class=\"note\">").number(hidden).raw(" more with fewer calls are not drawn.</p>");
        }
        self.list(page);
    }

    /// The same in words: authority first, then calls, those with the most denials first.
    fn list(&self, page: &mut Html) {
        let mut edges: Vec<_> = self.edges.iter().collect();
        edges.sort_by_key(|((from, to), edge)| {
            (self.nodes[*to].kind == Kind::Tool, Reverse(edge.denied), Reverse(edge.allowed), *from, *to)
        });
        table(page, &["who", "did", "to", "what came of it"]);
        for ((from, to), edge) in edges.iter().take(ROWS) {
            let is_call = self.nodes[*to].kind == Kind::Tool;
            cell(page.raw("<tr>"), "who").text(&self.nodes[*from].name).raw("</td>");
            cell(page, "did").raw(if is_call { "called</td>" } else { "gave authority</td>" });
            cell(page, "to").text(&self.nodes[*to].name).raw("</td>");
            cell(page, "what came of it");
            for (at, tool) in edge.tools.iter().enumerate() {
                page.raw(if at == 0 { "for " } else { ", " }).text(tool);
            }
            if edge.allowed > 0 {
                page.raw("<span class=\"allow\">").number(edge.allowed).raw(" allowed</span>");
            }
            if edge.denied > 0 {
                page.raw(if edge.allowed > 0 { ", <span class=\"deny\">" } else { "<span class=\"deny\">" });
                page.number(edge.denied).raw(" denied</span>: ");
                some(page, edge.codes.iter());
            }
            page.raw("</td></tr>");
        }
        page.raw("</tbody></table>");
        if edges.len() > ROWS {
            page.raw("<p class=\"note\">").number(ROWS).raw(" of ").number(edges.len()).raw(".</p>");
        }
    }

    /// In each column those with the most calls are drawn.
    fn layout(&self) -> Layout {
        let deepest = self.nodes.iter().filter(|node| node.kind != Kind::Tool).map(|node| node.depth).max().unwrap_or(0);
        let mut columns: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let column = match node.kind {
                Kind::Tool => deepest + 1,
                Kind::Unproven => deepest,
                _ => node.depth,
            };
            columns.entry(column).or_default().push(at);
        }
        let mut places = vec![None; self.nodes.len()];
        let mut hidden = 0;
        for members in columns.values_mut() {
            members.sort_by_key(|at| Reverse(self.nodes[*at].calls));
            hidden += members.len().saturating_sub(DRAWN);
            members.truncate(DRAWN);
            members.sort_unstable();
        }
        let rows = columns.values().map(Vec::len).max().unwrap_or(0);
        let count = columns.len();
        let calls = if columns.contains_key(&(deepest + 1)) { CALLS } else { 0 };
        for (x, members) in columns.values().enumerate() {
            let top = (rows - members.len()) * ROW / 2;
            for (y, at) in members.iter().enumerate() {
                let aside = if x + 1 == count { calls } else { 0 };
                places[*at] = Some((x * COLUMN + aside + 2, top + y * ROW + (ROW - TALL) / 2 + 2));
            }
        }
        let width = count * COLUMN + calls - (COLUMN - BOX) + 4;
        Layout { places, width, height: rows * ROW + 4, hidden }
    }

    fn draw_edge(&self, page: &mut Html, from: (usize, (usize, usize)), to: (usize, (usize, usize)), edge: &Edge) {
        let ((from, (x1, y1)), (to, (x2, y2))) = (from, to);
        let (x1, y1, y2) = (x1 + BOX, y1 + TALL / 2, y2 + TALL / 2);
        let is_call = self.nodes[to].kind == Kind::Tool;
        let class = match (is_call, edge.allowed, edge.denied) {
            (false, ..) => "gave",
            (true, 0, _) => "deny",
            (true, _, 0) => "allow",
            _ => "mixed",
        };
        let bend = x1.abs_diff(x2) / 2;
        page.raw("<path class=\"").raw(class).raw("\" d=\"M").number(x1).raw(" ").number(y1).raw("C").number(x1 + bend).raw(" ").number(y1);
        page.raw(" ").number(x2.saturating_sub(bend)).raw(" ").number(y2).raw(" ").number(x2).raw(" ").number(y2).raw("\"><title>");
        page.plain(&self.nodes[from].name).raw(if is_call { " called " } else { " gave authority to " }).plain(&self.nodes[to].name);
        if is_call {
            page.raw(": ").number(edge.allowed).raw(" allowed, ").number(edge.denied).raw(" denied");
        } else if !edge.tools.is_empty() {
            page.raw(" for ").plain(&edge.tools.join(", "));
        }
        page.raw("</title></path>");
    }

    /// How often, above every line. On the curve, nearer to where it leaves: there those of one caller and of others are apart.
    fn draw_count(page: &mut Html, (x1, y1): (usize, usize), (x2, y2): (usize, usize), edge: &Edge) {
        let (x1, y1, y2) = (x1 + BOX, y1 + TALL / 2, y2 + TALL / 2);
        let (x, y) = match x1.abs_diff(x2) > COLUMN - BOX + CALLS {
            // Other columns are in between, whose boxes would hide it.
            true => on_curve((x1, y1), (x2, y2), x2.saturating_sub(COLUMN - BOX)),
            false => (x1 + x1.abs_diff(x2) * 38 / 100, (72 * y1 + 28 * y2) / 100),
        };
        let digits = |count: u64| if count > 0 { count.to_string().len() + 2 } else { 0 };
        let wide = (digits(edge.allowed) + digits(edge.denied)) * 7 + 6;
        page.raw("<rect class=\"back\" x=\"").number(x.saturating_sub(wide / 2)).raw("\" y=\"").number(y.saturating_sub(8));
        page.raw("\" width=\"").number(wide).raw("\" height=\"16\" rx=\"8\"/>");
        page.raw("<text class=\"count\" x=\"").number(x).raw("\" y=\"").number(y + 4).raw("\">");
        if edge.allowed > 0 {
            page.raw("<tspan class=\"allow\">").number(edge.allowed).raw(if edge.denied > 0 { " ✓ " } else { " ✓" }).raw("</tspan>");
        }
        if edge.denied > 0 {
            page.raw("<tspan class=\"deny\">").number(edge.denied).raw(" ✗</tspan>");
        }
        page.raw("</text>");
    }
}

/// Where the line of an edge is, as far to the right as that.
fn on_curve((x1, y1): (usize, usize), (x2, y2): (usize, usize), x: usize) -> (usize, usize) {
    let between = |from: usize, to: usize, share: usize| (from * (1_000_000 - share) + to * share) / 1_000_000;
    // Its bends are half-way: the hundredths of the way by which it went so far across, and so far up or down.
    let mut at = (0..100_usize).map(|t| {
        let rest = 100 - t;
        (between(x1, x2, 3 * rest * t * 50 + t * t * t), between(y1, y2, t * t * (300 - 2 * t)))
    });
    at.find(|(at, _)| *at >= x).unwrap_or((x2, y2))
}

fn draw_node(page: &mut Html, node: &Node, (x, y): (usize, usize)) {
    let class = match (node.is_revoked, node.kind) {
        (true, _) => "node revoked",
        (_, Kind::Issuer) => "node issuer",
        (_, Kind::Agent) => "node agent",
        (_, Kind::Unproven) => "node unproven",
        (_, Kind::Tool) => "node tool",
    };
    page.raw("<g class=\"")
        .raw(class)
        .raw("\"><title>")
        .plain(&node.name)
        .raw(if node.is_revoked { ", revoked" } else { "" })
        .raw("</title>");
    page.raw("<rect x=\"")
        .number(x)
        .raw("\" y=\"")
        .number(y)
        .raw("\" width=\"")
        .number(BOX)
        .raw("\" height=\"")
        .number(TALL)
        .raw("\" rx=\"10\"/>");
    // An SVG of its own shows nothing outside itself, whatever letters a name has.
    page.raw("<svg x=\"").number(x).raw("\" y=\"").number(y).raw("\" width=\"").number(BOX).raw("\" height=\"").number(TALL).raw("\">");
    let is_alone = node.more.is_empty() && !node.is_revoked;
    page.raw("<text class=\"name\" x=\"").number(BOX / 2).raw("\" y=\"").number(if is_alone { 28_usize } else { 20 }).raw("\">");
    page.plain(&fitted(&node.name)).raw("</text>");
    if !is_alone {
        page.raw("<text class=\"more\" x=\"").number(BOX / 2).raw("\" y=\"36\">");
        page.raw(if node.is_revoked { "revoked " } else { "" }).cut(&node.more, 24).raw("</text>");
    }
    page.raw("</svg></g>");
}

/// As much of a name as a box has room for.
fn fitted(name: &str) -> String {
    let name = visible(name, BOX);
    let mut room = 170_usize;
    for (at, c) in name.char_indices() {
        let wide = match c {
            'M' | 'W' | 'm' | 'w' | '@' => 17,
            'A'..='Z' => 13,
            '\0'..='\u{10ff}' => 10,
            _ => 20,
        };
        match room.checked_sub(wide) {
            Some(left) => room = left,
            None => return format!("{}…", &name[..at]),
        }
    }
    name
}

/// The end of a key, by which people tell keys apart.
pub(super) fn short(key: &str) -> String {
    let tail: Vec<char> = key.chars().rev().take(8).collect();
    format!("…{}", tail.into_iter().rev().collect::<String>())
}
