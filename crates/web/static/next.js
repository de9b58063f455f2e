// What a decision leads to takes the place of the page, without a new document: the form is sent, the answer followed, and the page that it leads to put
// here. Nothing is asked ahead of the decision, so that what is shown is never older than the decision before it, and nobody holds a case that they do
// not see. Whatever is not a page of this console, or of another version of it, is loaded as any other link.
"use strict";

(() => {
  const HELD = "seawall:sent";
  let page = new AbortController();
  let here = location.pathname + location.search;
  let isOnItsWay = false;

  const begin = () => document.dispatchEvent(new CustomEvent("seawall:page", { detail: page.signal }));
  const script = (root) => root.querySelector("head script[src]")?.getAttribute("src");

  async function send(form, submitter) {
    performance.clearMarks(HELD);
    performance.mark(HELD);
    const sent = new URLSearchParams(new FormData(form, submitter));
    let answer, text;
    try {
      answer = await fetch(form.getAttribute("action"), { method: "POST", body: sent, headers: { accept: "text/html" } });
      text = await answer.text();
    } catch {
      document.dispatchEvent(new CustomEvent("seawall:unsent"));
      document.querySelectorAll("[data-unsent]").forEach((notice) => (notice.hidden = false));
      return;
    }
    const next = new DOMParser().parseFromString(text, "text/html");
    const address = answer.redirected ? answer.url : location.href;
    if (script(next) !== script(document)) {
      location.assign(address);
      return;
    }
    show(next, address);
  }

  function show(next, address) {
    page.abort();
    page = new AbortController();
    if (address !== location.href) history.pushState(null, "", address);
    here = location.pathname + location.search;
    document.title = next.title;
    document.body.replaceWith(document.adoptNode(next.body));
    window.scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
    begin();
    // The frame after the one in which this is drawn begins when this has been painted.
    requestAnimationFrame(() => requestAnimationFrame(() => performance.measure("seawall:next", HELD)));
  }

  // In the order of the page: whoever sends no form twice has said so by now.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches("form[data-next]")) return;
    event.preventDefault();
    if (isOnItsWay) return;
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
