// Lets a page move without being loaded again. Everything here is extra: pages are complete without it.
"use strict";
(() => {
  const body = document.body;
  const lang = document.documentElement.lang;
  const relative = new Intl.RelativeTimeFormat(lang, { numeric: "always" });
  const UNITS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const ago = (iso) => {
    const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
    if (seconds < 5) return body.dataset.justNow;
    const [unit, size] = UNITS.find(([name, length]) => seconds / length >= 1.2 || name === "second");
    return relative.format(-Math.max(1, Math.round(seconds / size)), unit);
  };
  const age = () => document.querySelectorAll("time[data-ago]").forEach((time) => {
    const text = ago(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  });
  setInterval(age, 10000);

  // The server knows best: a changed region is asked for as a whole, at most every few seconds.
  const PAUSE = 4000;
  let asked = 0, waiting = 0;
  const refresh = () => {
    if (waiting || document.hidden) { stale = document.hidden || stale; return; }
    waiting = setTimeout(async () => {
      waiting = 0; asked = Date.now();
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
        if (!answer.ok) return;
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        const from = next.querySelector("[data-region]"), to = document.querySelector("[data-region]");
        if (!from || !to) return;
        const open = [...to.querySelectorAll("details[open]")].map((item) => item.id);
        const focused = to.contains(document.activeElement) && document.activeElement.getAttribute("href");
        to.replaceWith(document.adoptNode(from));
        open.forEach((id) => { const item = document.getElementById(id); if (item) item.open = true; });
        if (focused) from.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
        point();
      } catch { /* the next event tries again */ }
    }, Math.max(300, asked + PAUSE - Date.now()));
  };
  let stale = false;
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { age(); if (stale) { stale = false; refresh(); } } });

  const touch = (event) => {
    const said = JSON.parse(event.data);
    const row = document.querySelector(`[data-site="${CSS.escape(said.site)}"]`);
    if (!row) { if (body.dataset.page === "list") refresh(); return; }
    if (said.last_seen) {
      const cell = row.querySelector(".c-seen"), time = document.createElement("time");
      time.dateTime = said.last_seen; time.dataset.ago = ""; time.textContent = ago(said.last_seen);
      time.title = new Date(said.last_seen).toLocaleString(lang);
      cell.replaceChildren(time);
    }
    if (said.state !== row.dataset.state) {
      row.dataset.state = said.state;
      row.querySelector(".c-state").replaceChildren(document.getElementById(`pill-${said.state}`).content.cloneNode(true));
      refresh();
    }
    row.classList.remove("pulse"); void row.offsetWidth; row.classList.add("pulse");
  };

  if (body.dataset.stream && window.EventSource) {
    const sign = document.getElementById("live-state");
    const say = (live) => { sign.hidden = false; sign.classList.toggle("away", !live); };
    let last = "", source;
    const connect = () => {
      const address = new URL(body.dataset.stream, location.href);
      if (last) address.searchParams.set("after", last);
      source = new EventSource(address);
      source.onopen = () => say(true);
      source.onerror = () => { say(false); if (source.readyState === 2) setTimeout(connect, 5000); };
      const on = (name, act) => source.addEventListener(name, (event) => { last = event.lastEventId || last; act(event); });
      on("site", touch);
      on("batch", () => { if (body.dataset.page === "site") refresh(); });
      on("reset", refresh);
      on("incident", (event) => {
        const said = JSON.parse(event.data);
        document.querySelectorAll("[data-open-incidents]").forEach((mark) => { mark.textContent = said.open; mark.hidden = !said.open; });
        if (body.dataset.page !== "incident" || body.dataset.incident === said.incident) refresh();
      });
    };
    connect();
    addEventListener("pagehide", () => source.close());
    addEventListener("pageshow", (event) => { if (event.persisted) { connect(); refresh(); } });
  }

  // Values under the pointer, read back from the drawn curve.
  const number = new Intl.NumberFormat(lang, { maximumSignificantDigits: 3 });
  const points = (path) => [...path.getAttribute("d").matchAll(/([ML ])?(-?[\d.]+) (-?[\d.]+)/g)].map((m) => [+m[2], +m[3]]);
  const point = () => document.querySelectorAll(".chart").forEach((chart) => {
    const tip = chart.querySelector(".tip"), cursor = chart.querySelector(".cursor");
    const { top, start, end, zone, unit } = chart.dataset;
    const curves = [...chart.querySelectorAll(".curves path")].map((path, index) => ({ index, label: path.dataset.label, at: points(path) }));
    const clock = new Intl.DateTimeFormat(lang, { timeZone: zone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const plot = chart.querySelector(".plot"), axes = chart.querySelector(".axes");
    const hide = () => { tip.hidden = true; cursor.setAttribute("visibility", "hidden"); };
    plot.onpointerleave = hide;
    plot.onpointermove = (event) => {
      const box = axes.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * 1000;
      const found = curves.map((curve) => ({ ...curve, near: curve.at.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a), [1e9, 0]) })).filter((curve) => Math.abs(curve.near[0] - x) < 12);
      if (!found.length) return hide();
      const place = found[0].near[0];
      cursor.setAttribute("x1", `${place / 10}%`); cursor.setAttribute("x2", `${place / 10}%`); cursor.setAttribute("visibility", "visible");
      const head = document.createElement("small");
      head.textContent = clock.format(+start + (place / 1000) * (end - start));
      tip.replaceChildren(head, ...found.map((curve) => {
        const line = document.createElement("span"), key = document.createElement("i");
        key.className = `k${curve.index}`;
        line.append(key, ` ${number.format((1 - curve.near[1] / 100) * top)} ${unit} ${found.length > 1 ? curve.label : ""}`);
        return line;
      }));
      tip.hidden = false; tip.classList.toggle("left", place > 500);
    };
  });
  point();
})();
