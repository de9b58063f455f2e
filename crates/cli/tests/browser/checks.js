// Looks at a page as a person with other abilities would, and returns what is wrong with it, in words.
const faults = [];
const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
const seen = (e) => e.checkVisibility({ opacityProperty: false, visibilityProperty: true }) && e.getClientRects().length > 0;
const name = (e) => {
  const id = e.id ? "#" + e.id : "";
  const kind = typeof e.className === "string" && e.className ? "." + e.className.trim().split(/\s+/).join(".") : "";
  return `<${e.tagName.toLowerCase()}${id}${kind}> "${(e.textContent || "").trim().replace(/\s+/g, " ").slice(0, 40)}"`;
};

// Structure.
const html = document.documentElement;
if (!html.lang) faults.push("the page has no language");
if (!["ltr", "rtl"].includes(html.dir)) faults.push("the page has no direction");
if (!document.title.trim() || document.title.trim().startsWith("·")) faults.push("the page has no title");
if (all("main").length !== 1) faults.push("not one main");
if (all("h1").filter(seen).length !== 1) faults.push(`not one h1 but ${all("h1").filter(seen).length}`);
let level = 0;
for (const heading of all("main :is(h1, h2, h3, h4)").filter(seen)) {
  const next = Number(heading.tagName[1]);
  if (next > level + 1) faults.push(`heading skips from ${level} to ${next}: ${name(heading)}`);
  level = next;
}
const ids = all("[id]").map((e) => e.id);
for (const id of new Set(ids.filter((id, idx) => ids.indexOf(id) !== idx))) faults.push(`id twice: ${id}`);
for (const attribute of ["for", "aria-labelledby", "aria-describedby", "popovertarget"]) {
  for (const e of all(`[${attribute}]`)) {
    for (const id of e.getAttribute(attribute).split(/\s+/).filter(Boolean)) {
      if (!document.getElementById(id)) faults.push(`${attribute}="${id}" points at nothing: ${name(e)}`);
    }
  }
}
const navs = all("nav").map((e) => e.getAttribute("aria-label") || "");
if (navs.includes("")) faults.push("a nav has no label");
if (new Set(navs).size !== navs.length) faults.push(`two navs have one label: ${navs}`);

// Names.
const spoken = (e) => {
  if (e.getAttribute("aria-label")) return e.getAttribute("aria-label").trim();
  const by = e.getAttribute("aria-labelledby");
  if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent || "").join(" ").trim();
  const copy = e.cloneNode(true);
  all("[aria-hidden=true], input, textarea, select, kbd", copy).forEach((hidden) => hidden.remove());
  const pictures = all("img[alt], [role=img][aria-label]", copy).map((p) => p.alt || p.getAttribute("aria-label"));
  return (copy.textContent + pictures.join(" ")).trim();
};
for (const e of all("input:not([type=hidden]), select, textarea")) {
  const labels = Array.from(e.labels || []).map(spoken).join(" ").trim();
  if (!labels && !spoken(e)) faults.push(`a field has no label: ${e.outerHTML.slice(0, 80)}`);
}
for (const e of all("a[href], button, summary, [role=button]")) if (!spoken(e)) faults.push(`nothing to say for ${e.outerHTML.slice(0, 80)}`);
for (const e of all("img")) {
  if (e.getAttribute("alt") === null) faults.push(`a picture has no alt: ${e.src}`);
  if (seen(e) && e.loading !== "lazy" && e.complete && e.naturalWidth === 0) faults.push(`a picture does not load: ${e.src}`);
}
for (const e of all("svg")) {
  if (e.getAttribute("aria-hidden") !== "true" && !(e.getAttribute("role") === "img" && e.getAttribute("aria-label"))) faults.push(`a drawing is neither hidden nor named: ${e.outerHTML.slice(0, 60)}`);
}
for (const e of all("[tabindex]")) if (e.tabIndex > 0) faults.push(`tabindex over 0: ${name(e)}`);
for (const e of all("[style]")) faults.push(`a style of its own: ${name(e)}`);
for (const e of all("a[href]")) {
  if (new URL(e.href, location.href).origin !== location.origin) faults.push(`a link leads away: ${e.href}`);
}
for (const entry of performance.getEntriesByType("resource")) {
  if (new URL(entry.name).origin !== location.origin) faults.push(`asked elsewhere for ${entry.name}`);
}
for (const form of all("form[method=post]")) {
  const open = ["/sign-in", "/sign-in/code", "/preferences"].includes(new URL(form.action).pathname) || new URL(form.action).pathname.startsWith("/invite/");
  if (!open && !form.querySelector("input[name=csrf]")?.value) faults.push(`a form without its token: ${form.action}`);
}

// Room: nothing sticks out, and what is pressed is large enough.
const wide = html.scrollWidth - html.clientWidth;
if (wide > 0) {
  const culprits = all("body *").filter((e) => seen(e) && (e.getBoundingClientRect().right > html.clientWidth + 1 || e.getBoundingClientRect().left < -1));
  faults.push(`the page is ${wide} px too wide: ${culprits.slice(0, 4).map(name).join(", ")}`);
}
for (const e of all("button, input:not([type=hidden]), select, textarea, summary, .button, nav a, .card-link, .row-link").filter(seen)) {
  // A label around its field, and a link that spreads over its row or card, count as large as they are.
  const around = [e, e.closest("label"), e.closest(".row, .card")].filter(Boolean).map((box) => box.getBoundingClientRect());
  const { width, height } = around[0];
  if (!around.some((box) => box.width >= 24 && box.height >= 24)) faults.push(`smaller than 24 px: ${name(e)} ${Math.round(width)}×${Math.round(height)}`);
}

// Contrast, by WCAG 2.2: of words against what is behind them, and of the borders of fields.
const canvas = document.createElement("canvas");
canvas.width = canvas.height = 1;
const pen = canvas.getContext("2d", { willReadFrequently: true });
const known = new Map();
const rgba = (colour) => {
  if (!known.has(colour)) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    known.set(colour, [r, g, b, a / 255]);
  }
  return known.get(colour);
};
const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
const behind = (e) => {
  const layers = [];
  for (let at = e; at; at = at.parentElement) {
    const colour = rgba(getComputedStyle(at).backgroundColor);
    if (colour[3] > 0) layers.push(colour);
    if (colour[3] === 1) break;
  }
  return layers.reverse().reduce((below, above) => over(above, below), [255, 255, 255, 1]);
};
const light = ([r, g, b]) => {
  const part = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const contrast = (a, b) => {
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};
const faint = (e) => {
  let opacity = 1;
  for (let at = e; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
  return opacity;
};
const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = words.nextNode(); node; node = words.nextNode()) {
  const e = node.parentElement;
  if (!node.textContent.trim() || !seen(e) || e.closest(".sr, .skip, script, svg, [aria-disabled=true]")) continue;
  const style = getComputedStyle(e);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const ground = behind(e);
  const ink = over([...rgba(style.color).slice(0, 3), rgba(style.color)[3] * faint(e)], ground);
  const ratio = contrast(ink, ground);
  if (ratio < (large ? 3 : 4.5) - 0.005) faults.push(`contrast ${ratio.toFixed(2)}: ${name(e)}`);
}
for (const e of all("input:not([type=hidden], [type=radio], [type=checkbox]), textarea, .button:not(.quiet)").filter(seen)) {
  const style = getComputedStyle(e);
  const outside = behind(e.parentElement);
  const edge = Math.max(contrast(over(rgba(style.borderTopColor), outside), outside), contrast(behind(e), outside));
  if (edge < 3 - 0.005) faults.push(`edge contrast ${edge.toFixed(2)}: ${name(e)}`);
}
return Array.from(new Set(faults));
