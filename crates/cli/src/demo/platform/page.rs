//! The stand-in's page for people: what it received and what it did. One page of plain HTML that reloads itself.

use moderation::model::Timestamp;

use super::ReceivedOrder;

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif;--line:#8884;--soft:#8882}\
body{max-width:68rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem;margin:0}p{max-width:44rem}\
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.45rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\
th{font-weight:600;font-size:.85rem}code{font-size:.85rem}.tag{padding:.05rem .5rem;border-radius:1rem;background:var(--soft);white-space:nowrap}\
td:nth-child(2),td:last-child{white-space:nowrap}.small{font-size:.85rem;opacity:.75}";

/// The page.
pub fn render(orders: &[ReceivedOrder], n_rejected: u64) -> String {
    let rows: String = orders.iter().rev().map(row).collect();
    let table = if orders.is_empty() {
        "<p>Nothing yet. Decide a case in the console, and the order arrives here.</p>".to_owned()
    } else {
        format!(
            "<div class=\"scroll\"><table><thead><tr><th>Order</th><th>Item</th><th>Why</th><th>Answer</th><th>Attempts</th>\
             <th>Received (UTC)</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"refresh\" content=\"3\"><title>Orders received</title><style>{STYLE}</style></head><body>\
         <h1>A platform that does not exist</h1>\
         <p>This stands in for a platform that is connected to Seawall. It checks the signature of each order, does what it says once, and confirms. \
         Some orders it fails, refuses or answers with <code>gone</code>, to show what Seawall makes of that.</p>\
         {table}<p class=\"small\">{} orders, {n_rejected} requests turned away. This page reloads itself. \
         <a href=\"/orders\">The same as JSON</a></p></body></html>",
        orders.len()
    )
}

fn row(received: &ReceivedOrder) -> String {
    let order = &received.order;
    let action = escape(order.kind.word());
    let policy = order
        .policy
        .as_deref()
        .map(|policy| format!(" <span class=\"tag\">{}</span>", escape(policy)))
        .unwrap_or_default();
    format!(
        "<tr><td><span class=\"tag\">{action}</span><br><code class=\"small\">{}</code></td><td>{}</td>\
         <td>{}{policy}<br><span class=\"small\">decided by a {}</span></td><td><span class=\"tag\">{}</span></td><td>{}</td><td>{}</td></tr>",
        escape(&order.id),
        escape(&order.item),
        escape(&order.reason),
        escape(&order.author),
        received.answer,
        received.attempts,
        instant(received.first_at_ms),
    )
}

/// Day and time to the second.
fn instant(unix_ms: i64) -> String {
    Timestamp::from_unix_ms(unix_ms)
        .to_string()
        .chars()
        .take(19)
        .collect::<String>()
        .replace('T', " ")
}

/// Text as HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::platform::{Kind, Order};

    #[test]
    fn what_came_from_outside_is_text() {
        let order = Order {
            id: "act_1".to_owned(),
            kind: Kind::Restrict,
            item: "<img src=x onerror=alert(1)>".to_owned(),
            decision: "dec_1".to_owned(),
            author: "person".to_owned(),
            policy: Some("\"'&".to_owned()),
            reason: "</td><script>".to_owned(),
        };
        let page = render(
            &[ReceivedOrder {
                order,
                attempts: 1,
                answer: "done",
                first_at_ms: 0,
            }],
            0,
        );
        assert!(!page.contains("<img") && !page.contains("<script"));
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;") && page.contains("&quot;&#39;&amp;"));
    }
}
