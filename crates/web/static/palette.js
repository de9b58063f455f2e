// The palette: Ctrl K, then a few letters of what one wants to do, and Enter. It offers what the page and its menu offer anyway, so it opens nothing that is
// not there without it; what is typed and fits nothing is searched for.
"use strict";

document.addEventListener("seawall:page", ({ detail: signal }) => {
  const palette = document.getElementById("palette");
  if (!palette) return;
  const field = palette.querySelector("input");
  const list = palette.querySelector("ul");
  const SHOWN_MAX = 9;
  let chosen = 0;

  // Links of the menu, links that lead on from the page's head, and buttons that have a key.
  function offers() {
    const found = [];
    const add = (element, words) => {
      const name = words.replace(/\s+/g, " ").trim();
      if (name && !found.some((offer) => offer.name === name)) found.push({ name, element });
    };
    const bare = (element) => {
      const copy = element.cloneNode(true);
      copy.querySelectorAll("kbd, .hint, .sr, .nav-count").forEach((part) => part.remove());
      return copy.textContent;
    };
    document.querySelectorAll("main [data-key]").forEach((element) => {
      const named = element.matches("input, textarea") ? element.closest("label, .field")?.querySelector(".option-title, span, label") ?? element.closest("label") : element;
      if (element.getClientRects().length && named) add(element, bare(named));
    });
    document.querySelectorAll("#menu nav a, .menu-list a, main .page-head a.button, main .tabs a").forEach((link) => add(link, bare(link)));
    return found;
  }

  function draw() {
    const typed = field.value.trim().toLocaleLowerCase();
    const shown = offers().filter((offer) => offer.name.toLocaleLowerCase().includes(typed)).slice(0, SHOWN_MAX);
    if (typed) shown.push({ name: list.dataset.search.replace("{words}", field.value.trim()), element: null });
    chosen = Math.min(Math.max(0, chosen), shown.length - 1);
    list.replaceChildren(
      ...shown.map((offer, index) => {
        const line = document.createElement("li");
        line.id = `palette-${index}`;
        line.role = "option";
        line.textContent = offer.name;
        line.setAttribute("aria-selected", String(index === chosen));
        line.addEventListener("click", () => follow(offer));
        return line;
      }),
    );
    field.setAttribute("aria-activedescendant", shown.length ? `palette-${chosen}` : "");
    return shown;
  }

  function follow(offer) {
    palette.close();
    if (!offer?.element) return field.form.submit();
    const element = offer.element;
    if (element.matches("a, button")) return element.click();
    document.dispatchEvent(new CustomEvent("seawall:press", { detail: element }));
  }

  function open() {
    document.getElementById("menu")?.hidePopover?.();
    field.value = "";
    chosen = 0;
    palette.showModal();
    draw();
    field.focus();
  }

  const onKey = (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      palette.open ? palette.close() : open();
    }
  };
  document.addEventListener("keydown", onKey, { signal });
  field.addEventListener("input", () => {
    chosen = 0;
    draw();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      chosen += event.key === "ArrowDown" ? 1 : -1;
      draw();
    }
    event.stopPropagation();
  });
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    follow(draw()[chosen]);
  });
  palette.addEventListener("click", (event) => {
    if (event.target === palette) palette.close();
  });
});
