// What makes the console quicker: keys, hold to reveal, copy, no double sending. Every page works without it.
// Nothing is stored here, and nothing is fetched but the word that a case is still looked at. Each page is begun by `next.js`; what listens longer than
// the elements of the page do, listens until `signal`: then another page has taken its place.
"use strict";

document.addEventListener("seawall:page", ({ detail: signal }) => {
  const body = document.body;
  const keysOn = body.dataset.keys === "on";
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // Hold to reveal. Without a script the held button is `:active`; the script adds touch, the Enter key, one key for the
  // whole page, and a word to screen readers. Whatever takes the attention away blurs the pictures again.
  const evidence = all("[data-evidence]");
  function show(box, shown) {
    if (box.classList.contains("is-held") === shown) return;
    box.classList.toggle("is-held", shown);
    announce(box);
  }
  function announce(box) {
    const status = box.querySelector("[data-shown]");
    if (!status) return;
    const shown = box.classList.contains("is-held") || box.querySelector("[data-keep]")?.checked;
    status.textContent = shown ? status.dataset.shown : status.dataset.hidden;
  }
  const blurAll = () => evidence.forEach((box) => show(box, false));
  for (const box of evidence) {
    const hold = box.querySelector("[data-hold]");
    if (!hold) continue;
    const isHoldKey = (event) => event.key === " " || event.key === "Enter";
    hold.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      hold.setPointerCapture(event.pointerId);
      show(box, true);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) {
      hold.addEventListener(end, () => show(box, false));
    }
    hold.addEventListener("keydown", (event) => {
      if (!isHoldKey(event)) return;
      event.preventDefault();
      show(box, true);
    });
    hold.addEventListener("keyup", (event) => {
      if (isHoldKey(event)) show(box, false);
    });
    hold.addEventListener("contextmenu", (event) => event.preventDefault());
    box.querySelector("[data-keep]")?.addEventListener("change", () => announce(box));
  }
  window.addEventListener("blur", blurAll, { signal });
  document.addEventListener("visibilitychange", blurAll, { signal });

  // The file that keys speak of: the one chosen with J and K, or the one nearest the middle of the window.
  let chosen = null;
  function currentEvidence() {
    if (chosen) return chosen;
    const middle = window.innerHeight / 2;
    const away = (box) => {
      const { top, bottom } = box.getBoundingClientRect();
      return top > middle ? top - middle : Math.max(0, middle - bottom);
    };
    return evidence.slice().sort((a, b) => away(a) - away(b))[0];
  }

  // J and K go through the files of a case, or the rows of a list.
  function move(by) {
    const reduced = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (evidence.length > 0) {
      const from = chosen ? evidence.indexOf(chosen) : -1;
      const to = Math.min(evidence.length - 1, Math.max(0, from + by));
      chosen?.classList.remove("is-current");
      chosen = evidence[to];
      chosen.classList.add("is-current");
      chosen.focus({ preventScroll: true });
      chosen.scrollIntoView({ block: "start", behavior: reduced ? "auto" : "smooth" });
      return;
    }
    const links = all("[data-list] .row-link");
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  }

  // Keys. One that is a letter follows what is typed, or the place of the key where the layout writes no Latin letters.
  const typing = (target) =>
    target.closest("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=submit], [type=button])");
  function letter(event) {
    if (/^[a-z0-9?]$/i.test(event.key)) return event.key.toLowerCase();
    const place = /^(?:Key|Digit)([A-Z0-9])$/.exec(event.code);
    return place ? place[1].toLowerCase() : event.key;
  }
  function press(element) {
    if (element.matches("input[type=radio]")) {
      element.checked = true;
      element.dispatchEvent(new Event("change", { bubbles: true }));
      element.focus();
    } else if (element.matches("summary")) {
      element.parentElement.open = true;
      all("textarea", element.parentElement).find((field) => field.offsetParent)?.focus();
    } else if (element.matches("textarea")) {
      element.focus();
    } else {
      element.click();
    }
  }
  // The palette presses what it offers.
  document.addEventListener("seawall:press", (event) => press(event.detail), { signal });
  const help = document.getElementById("keys");
  let goPending = false;
  function onKey(event) {
    const form = document.querySelector("[data-decide]");
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (event.repeat) return;
      form.requestSubmit(form.querySelector("[data-submit]"));
      return;
    }
    if (!keysOn || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target) || (help?.open && event.key !== "?")) return;
    const key = letter(event);
    if (goPending) {
      goPending = false;
      const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
        return;
      }
    }
    if (key === "v") {
      // A key that was held when this page came uncovers nothing here.
      if (event.repeat && !evidence.some((box) => box.classList.contains("is-held"))) return;
      const box = currentEvidence();
      if (box?.querySelector("[data-hold]")) show(box, true);
      return;
    }
    if (event.repeat) return;
    if (key === "?") {
      event.preventDefault();
      help?.open ? help.close() : help?.showModal();
    } else if (key === "g") {
      goPending = true;
      setTimeout(() => (goPending = false), 1500);
    } else if (key === "j" || key === "k") {
      event.preventDefault();
      move(key === "j" ? 1 : -1);
    } else if (key === "c" && evidence.length > 0) {
      const grey = !document.querySelector(".tone-grey:checked");
      all(grey ? ".tone-grey" : ".tone-colour").forEach((tone) => (tone.checked = true));
    } else {
      const named = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
      // What is not shown is not meant; but the number of a policy means to restrict, and shows the policies.
      if (named?.getClientRects().length || named?.name === "policy") {
        event.preventDefault();
        press(named);
      }
    }
  }
  document.addEventListener("keydown", onKey, { signal });
  const onKeyUp = (event) => {
    if (letter(event) === "v") blurAll();
  };
  document.addEventListener("keyup", onKeyUp, { signal });
  if (keysOn) all("[data-key]").forEach((element) => element.setAttribute("aria-keyshortcuts", element.dataset.key));

  if (help) {
    help.querySelector("[data-close]").addEventListener("click", () => help.close());
    all("[data-help]").forEach((link) =>
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        document.getElementById("profile")?.hidePopover();
        document.getElementById("menu")?.hidePopover?.();
        help.showModal();
      }),
    );
  }

  // A restriction needs a policy, and some policies a purpose; a number key for a policy means to restrict.
  for (const form of all("[data-decide]")) {
    const restrict = form.querySelector('[name="outcome"][value="restrict"]');
    const policies = all('[name="policy"]', form);
    const purposes = all('[name="purpose"]', form);
    const adjust = () => {
      const assessed = restrict.checked && policies.some((policy) => policy.checked && "assess" in policy.dataset);
      policies.forEach((policy) => (policy.required = restrict.checked));
      purposes.forEach((purpose) => (purpose.required = assessed));
    };
    form.addEventListener("change", (event) => {
      if (event.target.name === "policy") restrict.checked = true;
      adjust();
    });
    adjust();
  }

  // What is done and why stands in what the person is told, for as long as nobody has changed that text by hand.
  for (const form of all("[data-decide]")) {
    const reason = form.querySelector("[data-reason]");
    const measures = all("[data-sentence]", form);
    const sentence = (box) => {
      const field = (name) => form.elements[`${name}_${box.value}`];
      const scope = (field("scope")?.value ?? "").split(/[\s,;،]+/).filter(Boolean);
      const said = box.dataset.sentence.replace("{scope}", scope.map((word) => (box.value === "countries" ? word.toUpperCase() : word)).join(", "));
      const hours = Number(field("lasts")?.value);
      const stands = field("lasts")?.selectedOptions[0]?.dataset.day;
      if (!hours && !stands) return said;
      const day = stands ?? new Date(Date.now() + hours * 3_600_000).toISOString().slice(0, 10);
      return `${said} ${box.closest("[data-told-until]").dataset.toldUntil.replace("{day}", day)}`;
    };
    const drafts = all("[data-told]", form).flatMap((draft) => {
      const [what, rest] = [draft.value.split("\n\n", 1)[0], draft.value.slice(draft.value.indexOf("\n\n"))];
      const [before, after] = rest.split(draft.dataset.told);
      return after === undefined ? [] : [{ draft, what, before, after, written: draft.value }];
    });
    const write = () => {
      for (const entry of drafts) {
        if (entry.draft.value !== entry.written) continue;
        const why = reason?.value.trim() || entry.draft.dataset.told;
        entry.draft.value = entry.written = entry.what + entry.before + why + entry.after;
      }
    };
    reason?.addEventListener("input", write);
    if (reason?.value.trim()) write();
    form.querySelector("#measures")?.addEventListener("input", () => {
      const chosen = measures.filter((box) => box.checked);
      form.querySelector("[data-measures-chosen]").replaceChildren(
        ...chosen.map((box) => Object.assign(document.createElement("span"), { className: "badge", textContent: box.dataset.badge })),
      );
      drafts.forEach((entry) => (entry.what = chosen.map(sentence).join(" ")));
      write();
    });
  }

  // One box ticks all of a form, wherever they stand.
  for (const every of all("[data-all]")) {
    const box = every.querySelector("input");
    const form = every.dataset.all ? document.getElementById(every.dataset.all) : every.closest("form");
    const boxes = () => Array.from(form.elements).filter((one) => one.closest(".pick") && !one.disabled);
    const adjust = () => {
      const n = boxes().filter((one) => one.checked).length;
      box.checked = n > 0 && n === boxes().length;
      box.indeterminate = n > 0 && !box.checked;
    };
    every.hidden = false;
    box.addEventListener("change", () => boxes().forEach((one) => (one.checked = box.checked)));
    document.addEventListener("change", adjust, { signal });
    adjust();
  }

  // One press of a button sends one form.
  for (const form of all("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = "yes";
      event.submitter?.setAttribute("aria-disabled", "true");
    });
  }
  // The back button shows the page as it was left: ready to be sent again.
  const ready = () => {
    all("form[data-sent]").forEach((form) => delete form.dataset.sent);
    all("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
  };
  window.addEventListener("pageshow", ready, { signal });
  document.addEventListener("seawall:unsent", ready, { signal });

  // A case that is held stays held while its page is looked at, and is given back when the page is left and nothing was sent about it. The server
  // leaves what was decided or taken over meanwhile as it is, whatever arrives late from here.
  const held = document.querySelector("[data-renew]");
  if (held) {
    const token = () => new URLSearchParams({ csrf: document.querySelector('[name="csrf"]').value });
    let sent = false;
    let lost = false;
    async function renew() {
      if (sent || lost || document.visibilityState !== "visible") return;
      try {
        const answer = await fetch(held.dataset.renew, { method: "POST", body: token(), redirect: "manual" });
        if (signal.aborted) return;
        lost = answer.status === 409;
        all("[data-lost]").forEach((notice) => (notice.hidden = !lost));
      } catch {
        // The next minute tries again; the case is held for longer than that.
      }
    }
    // Only what is sent about this case: the case before it can still be undone from here.
    const own = held.dataset.renew.slice(0, held.dataset.renew.lastIndexOf("/") + 1);
    const isOwn = (form) => form.getAttribute("action")?.startsWith(own);
    const onSending = ({ detail: form }) => {
      if (isOwn(form)) sent = true;
    };
    // What `next.js` sends, it tells of.
    const onSubmit = ({ target: form }) => {
      if (!form.matches("[data-next]") && isOwn(form)) sent = true;
    };
    const onShow = () => {
      sent = false;
      renew();
    };
    const onHide = () => {
      if (!sent && !lost) navigator.sendBeacon(held.dataset.leave, token());
    };
    const timer = setInterval(renew, 60_000);
    document.addEventListener("submit", onSubmit, { signal });
    document.addEventListener("seawall:sending", onSending, { signal });
    document.addEventListener("seawall:unsent", onShow, { signal });
    document.addEventListener("visibilitychange", renew, { signal });
    window.addEventListener("pageshow", onShow, { signal });
    window.addEventListener("pagehide", onHide, { signal });
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      onHide();
    });
  }

  for (const button of all("[data-copy]")) {
    button.hidden = false;
    const label = button.textContent;
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        document.execCommand("copy");
      }
      button.textContent = body.dataset.copied;
      setTimeout(() => (button.textContent = label), 2000);
    });
  }

  // What a page has to say when it opens. A live region speaks only when its words change.
  for (const region of all("[data-announce] > span")) {
    const words = region.textContent;
    region.textContent = "";
    requestAnimationFrame(() => (region.textContent = words));
  }
  document.querySelector("[data-focus]")?.focus();
});
