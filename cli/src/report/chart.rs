//! Calls over time, in a bounded number of spans that grow with the log.

use super::html::Html;
use crate::time::span;

/// Spans that are counted; two become one when there would be more.
const MOST: usize = 48;
/// And drawn, at least.
const FEWEST: usize = 12;
/// Of the drawing, in its own units.
const WIDTH: usize = 960;
const HEIGHT: usize = 140;

/// How many were allowed and denied in each span.
#[derive(Debug)]
pub(super) struct Chart {
    /// Milliseconds.
    start: Option<u64>,
    width: u64,
    counts: Vec<[u64; 2]>,
}

impl Default for Chart {
    fn default() -> Self {
        Chart { start: None, width: 1000, counts: Vec::new() }
    }
}

impl Chart {
    pub(super) fn add(&mut self, millis: u64, is_allowed: bool) {
        let start = *self.start.get_or_insert(millis - millis % 1000);
        let mut at = millis.saturating_sub(start) / self.width;
        while at >= MOST as u64 {
            self.counts = self.counts.chunks(2).map(|two| two.iter().fold([0; 2], |sum, one| [sum[0] + one[0], sum[1] + one[1]])).collect();
            self.width *= 2;
            at = millis.saturating_sub(start) / self.width;
        }
        let at = at as usize;
        if self.counts.len() <= at {
            self.counts.resize(at + 1, [0; 2]);
        }
        self.counts[at][usize::from(!is_allowed)] += 1;
    }

    pub(super) fn draw(&self, page: &mut Html) {
        let most = self.counts.iter().map(|[allowed, denied]| allowed + denied).max().unwrap_or(0);
        let Some(start) = self.start.filter(|_| most > 0) else {
            page.raw("<p class=\"empty\">No calls were decided.</p>");
            return;
        };
        page.raw("<figure><svg class=\"chart\" role=\"img\" aria-label=\"Calls over time: the same is told below, in the timeline\" preserveAspectRatio=\"none\" viewBox=\"0 0 ")
            .number(WIDTH)
            .raw(" ")
            .number(HEIGHT)
            .raw("\">");
        let slots = self.counts.len().max(FEWEST);
        let slot = WIDTH / slots;
        let height =
            |count: u64| (count as f64 / most as f64 * (HEIGHT - 4) as f64).round().max(if count > 0 { 3.0 } else { 0.0 }) as usize;
        for (at, [allowed, denied]) in self.counts.iter().enumerate() {
            let (up, down) = (height(*allowed), height(*denied));
            let up = up.min(HEIGHT - down);
            for (class, count, y, high) in [("allow", *allowed, HEIGHT - up, up), ("deny", *denied, HEIGHT - up - down, down)] {
                if high == 0 {
                    continue;
                }
                page.raw("<rect class=\"").raw(class).raw("\" x=\"").number(at * slot + 1).raw("\" y=\"").number(y);
                page.raw("\" width=\"").number(slot.saturating_sub(3).max(1)).raw("\" height=\"").number(high).raw("\"><title>");
                page.number(count).raw(if class == "allow" { " allowed" } else { " denied" }).raw(" from ");
                page.plain(&clock(start + at as u64 * self.width)).raw("</title></rect>");
            }
        }
        let end = start + slots as u64 * self.width;
        page.raw("</svg><figcaption><span>")
            .plain(&clock(start))
            .raw("</span><span><i class=\"key allow\"></i>allowed <i class=\"key deny\"></i>denied; each bar ");
        page.plain(&span(self.width))
            .raw(", the highest ")
            .number(most)
            .raw(if most == 1 { " call" } else { " calls" })
            .raw("</span><span>")
            .plain(&clock(end))
            .raw("</span></figcaption></figure>");
    }
}

/// A time as people read it.
pub(super) fn clock(millis: u64) -> String {
    deputize::Timestamp::from_secs(millis / 1000).map_or_else(|_| "?".to_owned(), |time| readable(&time.to_rfc3339()))
}

/// Of a record: up to the second, without the letters.
pub(super) fn readable(time: &str) -> String {
    match (time.get(..10), time.get(10..11), time.get(11..19)) {
        (Some(day), Some("T"), Some(clock)) if crate::time::of_record(&format!("{day}T{clock}.000Z")).is_some() => format!("{day} {clock}"),
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_has_no_more_spans_than_a_short_one() {
        let mut chart = Chart::default();
        for hour in 0..10_000_u64 {
            chart.add(1_795_248_000_000 + hour * 3_600_000, hour % 3 == 0);
        }
        // A clock that stepped back.
        chart.add(5, false);
        assert!(chart.counts.len() <= MOST);
        assert_eq!(chart.counts.iter().map(|[allowed, denied]| allowed + denied).sum::<u64>(), 10_001);
    }
}
