// What a decision leads to takes the place of the page, without a new document: the form is sent, the answer followed, and the page that it leads to put
// here. Nothing is asked ahead of the decision, so that what is shown is never older than the decision before it, and nobody holds a case that they do
// not see. Whatever is not a page of this console, or of another version of it, is loaded as any other link.
"use strict";

(() => {
  const SENT = "seawall:sent";
  let page = new AbortController();
  let here = location.pathname + location.search;
  let isOnItsWay = false;

  const begin = () => document.dispatchEvent(new CustomEvent("seawall:page", { detail: page.signal }));
  const script = (root) => root.querySelector("head script[src]")?.getAttribute("src");

  // What was filled in stays, and the page says why it is still there.
  function keep(why, more = "") {
    document.dispatchEvent(new CustomEvent("seawall:unsent"));
    for (const notice of document.querySelectorAll("[data-unsent]")) {
      notice.querySelector("span").textContent = `${notice.dataset[why]} ${more}`;
      notice.hidden = false;
      notice.scrollIntoView({ block: "nearest" });
    }
  }

  async function send(form, submitter) {
    performance.clearMarks(SENT);
    performance.mark(SENT);
    document.dispatchEvent(new CustomEvent("seawall:sending", { detail: form }));
    const body = new URLSearchParams(new FormData(form, submitter));
    // A server of another version than this script leaves what the page has to say for the page that is loaded.
    const headers = { accept: "text/html", "x-seawall-script": script(document) };
    let answer, text;
    try {
      answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers });
      text = await answer.text();
    } catch {
      keep("silent");
      return;
    }
    const next = new DOMParser().parseFromString(text, "text/html");
    const isOurs = script(next) === script(document);
    const isAnswered = answer.ok || (isOurs && (answer.status === 409 || answer.status === 422));
    if (!isAnswered) {
      keep("refused", isOurs ? (next.querySelector("main h1")?.textContent ?? "") : `(${answer.status})`);
    } else if (isOurs) {
      show(next, answer.redirected ? answer.url : location.href);
    } else if (answer.redirected && answer.url !== location.href.split("#")[0]) {
      location.assign(answer.url);
    } else {
      location.reload();
    }
  }

  function show(next, address) {
    page.abort();
    page = new AbortController();
    if (address !== location.href) history.pushState(null, "", address);
    here = location.pathname + location.search;
    document.title = next.title;
    for (const name of ["lang", "dir", "data-theme"]) {
      document.documentElement.setAttribute(name, next.documentElement.getAttribute(name));
    }
    document.body.replaceWith(document.adoptNode(next.body));
    window.scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
    begin();
    // The frame after the one in which this is drawn begins when this has been painted.
    requestAnimationFrame(() => requestAnimationFrame(() => performance.measure("seawall:next", SENT)));
  }

  // In the order of the page: whoever sends no form twice has said so by now.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches("form[data-next]")) return;
    event.preventDefault();
    if (isOnItsWay) {
      keep("busy");
      return;
    }
    isOnItsWay = true;
    document.querySelectorAll("[data-unsent]").forEach((notice) => (notice.hidden = true));
    await send(form, event.submitter);
    isOnItsWay = false;
  });
  // Back and forward: the page as it is now.
  window.addEventListener("popstate", () => {
    if (location.pathname + location.search !== here) location.reload();
  });
  begin();
})();
