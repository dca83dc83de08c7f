"use strict";
// The list of findings: drawn a screenful at a time from the data in this page. Text only ever becomes text.
(() => {
  const started = performance.now();
  const CHUNK = 100;
  const MOST_PLACES = 12;
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);

  const theme = byId("theme");
  const isDark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; theme.setAttribute("aria-label", "Switch to " + theme.textContent.toLowerCase() + " colours"); };
  theme.hidden = false;
  nameTheme();
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = isDark() ? "light" : "dark"; nameTheme(); });

  if (!byId("list")) { document.documentElement.dataset.ready = String(performance.now() - started); return; }

  const findings = data.findings.map((finding, index) => ({
    ...finding,
    index,
    words: [finding.id, finding.title, finding.whose, finding.secret, finding.rule, finding.status, finding.first,
      finding.checked, ...finding.exposure, ...finding.evidence,
      ...finding.places.flatMap((place) => [place.place, ...place.remarks])].join("\n").toLowerCase(),
  }));
  const list = byId("list");
  const shown = byId("shown");
  const unfold = byId("unfold");
  const controls = Object.fromEntries(["search", "severity", "issuer", "state", "order"].map((id) => [id, byId(id)]));
  let chosen = [];
  let drawn = 0;
  let unfolded = false;

  function element(name, className, ...content) {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...content.filter((part) => part !== null && part !== ""));
    return made;
  }
  const number = (count) => count.toLocaleString("en");

  function options(id, values) {
    for (const value of values) controls[id].append(new Option(value, value));
  }

  function row(finding) {
    const item = element("li");
    item.id = "k" + finding.id;
    const details = element("details");
    const more = finding.places.length - 1;
    const place = finding.places[0].place + (more ? ` and ${number(more)} more` : "");
    details.append(element("summary", "",
      element("span", "sev " + (finding.counts ? finding.severity : "aside"), finding.severity),
      element("span", "main",
        element("span", "what", finding.title, element("code", "", finding.secret)),
        element("span", "at", place)),
      element("span", "age", element("span", "", finding.age), element("span", "", finding.state))));
    details.addEventListener("toggle", () => { if (details.open) fill(details, finding); });
    item.append(details);
    if (unfolded) { fill(details, finding); details.open = true; }
    return item;
  }

  function fill(details, finding) {
    if (details.querySelector(".body")) return;
    const facts = element("dl");
    const fact = (label, ...content) => {
      if (content.some((part) => part)) facts.append(element("dt", "", label), element("dd", "", ...content));
    };
    fact("Status", finding.status);
    fact("Whose", finding.whose + (finding.confidence ? `, confidence ${finding.confidence}` : ""), bullets(finding.evidence, "quiet"));
    fact(finding.places.length === 1 ? "Place" : `${number(finding.places.length)} places`, places(finding));
    fact("First seen", finding.first);
    fact("At HEAD", finding.head);
    fact("Exposure", finding.exposure.length > 0 && bullets(finding.exposure));
    fact("Verification", finding.checked);
    fact("Next steps", steps(finding));
    fact("Rule", element("code", "", finding.rule), " ", element("span", "quiet", finding.description));
    fact("Id", element("code", "", finding.id));
    details.append(element("div", "body", facts));
  }

  function bullets(lines, className) {
    return element("ul", className, ...lines.map((line) => element("li", "", line)));
  }

  function places(finding) {
    const lines = element("ul");
    const add = (some) => { for (const place of some) lines.append(placed(place)); };
    add(finding.places.slice(0, MOST_PLACES));
    const rest = finding.places.slice(MOST_PLACES);
    if (!rest.length) return lines;
    const button = element("button", "", `Show ${number(rest.length)} more`);
    button.type = "button";
    button.addEventListener("click", () => { add(rest); button.remove(); });
    return element("div", "", lines, button);
  }

  function placed(place) {
    const where = element("code", "", place.place);
    const item = element("li", "", place.url ? linked(place.url, where) : where);
    if (place.remarks.length) item.append(element("div", "quiet", place.remarks.join(" · ")));
    if (place.excerpt) item.append(element("pre", "", place.excerpt));
    return item;
  }

  function linked(url, shown) {
    const link = element("a", "", shown);
    link.href = url;
    link.rel = "noreferrer noopener";
    return link;
  }

  function steps(finding) {
    if (!finding.counts) return "";
    const runbook = data.runbooks[finding.runbook];
    const made = element("div", "", element("ol", "", ...runbook.steps.map((step) => element("li", "", step))));
    if (runbook.url) {
      made.append(element("p", "quiet", "Revoke it at ", linked(runbook.url, runbook.url)));
    }
    return made;
  }

  function draw(count) {
    const rows = document.createDocumentFragment();
    for (const finding of chosen.slice(drawn, drawn + count)) rows.append(row(finding));
    list.append(rows);
    drawn = Math.min(chosen.length, drawn + count);
  }

  const orders = {
    severity: (one, other) => one.index - other.index,
    age: (one, other) => (other.days ?? -1) - (one.days ?? -1) || one.index - other.index,
    issuer: (one, other) => one.whose.localeCompare(other.whose) || one.index - other.index,
    place: (one, other) => one.places[0].place.localeCompare(other.places[0].place) || one.index - other.index,
  };

  function choose() {
    const words = controls.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    chosen = findings.filter((finding) =>
      (!controls.severity.value || finding.severity === controls.severity.value) &&
      (!controls.issuer.value || finding.whose === controls.issuer.value) &&
      (!controls.state.value || finding.states.includes(controls.state.value)) &&
      words.every((word) => finding.words.includes(word)));
    chosen.sort(orders[controls.order.value]);
    list.replaceChildren();
    drawn = 0;
    draw(CHUNK);
    shown.textContent = chosen.length === findings.length
      ? `${number(findings.length)} ${findings.length === 1 ? "key" : "keys"}`
      : `${number(chosen.length)} of ${number(findings.length)} keys`;
    unfold.hidden = !chosen.length;
  }

  function jump() {
    const id = location.hash.slice(2);
    const index = location.hash.startsWith("#k") ? chosen.findIndex((finding) => finding.id === id) : -1;
    if (index < 0) return;
    if (index >= drawn) draw(index - drawn + CHUNK);
    const details = byId("k" + id).firstElementChild;
    fill(details, chosen[index]);
    details.open = true;
    details.scrollIntoView({ block: "start" });
    details.firstElementChild.focus({ preventScroll: true });
  }

  const unique = (values) => [...new Set(values)];
  options("severity", data.severities.filter((severity) => findings.some((finding) => finding.severity === severity)));
  options("issuer", unique(findings.map((finding) => finding.whose)).sort((one, other) => one.localeCompare(other)));
  options("state", unique(findings.flatMap((finding) => finding.states)).sort());

  let waiting = 0;
  controls.search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(choose, 80); });
  for (const id of ["severity", "issuer", "state", "order"]) controls[id].addEventListener("change", choose);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  unfold.addEventListener("click", () => {
    unfolded = !unfolded;
    unfold.textContent = unfolded ? "Fold all" : "Unfold all";
    choose();
  });
  for (const button of document.querySelectorAll("button.pick")) {
    button.addEventListener("click", () => {
      controls.issuer.value = button.dataset.issuer;
      choose();
      byId("findings").scrollIntoView();
      controls.issuer.focus({ preventScroll: true });
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    event.preventDefault();
    controls.search.focus();
  });
  addEventListener("hashchange", () => {
    if (!chosen.some((finding) => "#k" + finding.id === location.hash) && location.hash.startsWith("#k")) {
      byId("filters").reset();
      choose();
    }
    jump();
  });
  // Paper has no folds: everything that is chosen goes on it.
  addEventListener("beforeprint", () => {
    draw(chosen.length - drawn);
    for (const [index, item] of [...list.children].entries()) {
      fill(item.firstElementChild, chosen[index]);
      item.firstElementChild.open = true;
    }
  });
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && drawn < chosen.length) draw(CHUNK);
  }, { rootMargin: "1200px" }).observe(byId("more"));

  choose();
  jump();
  document.documentElement.dataset.ready = String(performance.now());
})();
