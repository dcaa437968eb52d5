/* What the pages gain with a script: a switch of protocols, filters, sorting, read-outs under the plots, and the charts
   of the loss landscapes. Without it every number is still there: both protocols, all claims, drawn figures.
   No library, no network; data come from a JSON element of the page. */
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const DASH = "–";

  /* An error is written where a test, or a reader who opens the inspector, finds it. */
  window.addEventListener("error", (event) => {
    document.documentElement.dataset.error = event.message;
  });

  /** A new element with attributes and text, put into `parent`. */
  function make(tag, attributes = {}, parent = null, text = "") {
    const inside = parent instanceof SVGElement || tag === "svg";
    const element = inside ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text) element.textContent = text;
    if (parent) parent.append(element);
    return element;
  }

  /** A number in few characters, with a true minus sign. */
  function short(value, digits = 3) {
    if (value === null || !Number.isFinite(value)) return DASH;
    return String(Number(value.toPrecision(digits))).replace("-", "−");
  }

  /** Radio buttons or check boxes in a field set; `change` gets the value of the one that was changed. */
  function choices(box, type, name, options, chosen, change) {
    const field = make("fieldset", {}, box);
    make("legend", {}, field, name);
    for (const [value, text] of options) {
      const label = make("label", {}, field);
      const input = make("input", { type, name, value }, label);
      input.checked = chosen.includes(value);
      input.addEventListener("change", () => change(value, input.checked));
      label.append(` ${text}`);
    }
  }

  /* Protocol switch: the style sheet hides the other one. */
  function protocolSwitch(box) {
    const options = box.dataset.choices.split(" ").map((name) => [name, name]);
    choices(box, "radio", "Protocol", options, ["both"], (value) => { document.body.dataset.protocol = value; });
  }

  /* A claim shows if any of its verdicts is chosen. */
  function verdictFilter(box) {
    const words = box.dataset.choices.split("|");
    const shown = new Set(words);
    const claims = [...document.querySelectorAll(".claim")];
    const count = document.querySelector(".count");
    choices(box, "checkbox", "Show", words.map((word) => [word, word]), words, (word, on) => {
      if (on) shown.add(word); else shown.delete(word);
      for (const claim of claims) claim.hidden = !claim.dataset.verdicts.split("|").some((each) => shown.has(each));
      count.textContent = `${claims.filter((claim) => !claim.hidden).length} of ${claims.length} claims`;
    });
  }

  /* Columns sort by their number (data-key) or else by their text; rows without a number come last. */
  function sortable(table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const key = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
    heads.forEach((head, column) => {
      const button = make("button", { type: "button" }, null, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].sort((a, b) => {
          const [x, y] = [key(a, column), key(b, column)];
          if (x === "" || y === "") return (x === "") - (y === "");
          const order = x.localeCompare(y, "en", { numeric: false });
          const numeric = isFinite(x) && isFinite(y) ? Number(x) - Number(y) : order;
          return down ? -numeric : numeric;
        });
        body.append(...rows);
      });
    });
  }

  /* Marks explain themselves in a title; where there is no pointer to hover with, a tap shows the same text. */
  function explainMarks() {
    let said = null;
    document.addEventListener("click", (event) => {
      const mark = event.target.closest?.(".mark[title], .sign[title]");
      said?.remove();
      said = mark ? make("div", { class: "said", role: "status" }, document.body, mark.title) : null;
    });
  }

  /* Drawn plots: the mark nearest to the pointer, or the next one by arrow key, is named below the plot. */
  function readable(figure) {
    const svg = figure.querySelector("svg");
    const marks = [...svg.querySelectorAll("title")].map((title) => {
      const element = title.parentNode;
      const at = (name, half) => Number(element.getAttribute(name)) + Number(element.getAttribute(half) ?? 0) / 2;
      const circle = element.tagName === "circle";
      const [x, y] = circle ? [at("cx", "-"), at("cy", "-")] : [at("x", "width"), at("y", "height")];
      return { element, x, y, text: title.textContent };
    }).sort((a, b) => a.x - b.x || a.y - b.y);
    if (!marks.length) return;
    const output = make("output", { class: "readout", "aria-live": "polite" });
    svg.after(output);
    svg.setAttribute("tabindex", "0");
    let here = -1;
    const show = (index) => {
      marks[here]?.element.classList.remove("here");
      here = index;
      const mark = marks[here];
      if (mark) {
        mark.element.classList.add("here");
        if (mark.element.tagName === "rect") mark.element.parentNode.append(mark.element);
      }
      output.textContent = mark?.text ?? "";
    };
    svg.addEventListener("pointermove", (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      let best = -1, least = 40 ** 2;
      marks.forEach((mark, i) => {
        const distance = (mark.x - point.x) ** 2 + (mark.y - point.y) ** 2;
        if (distance < least) [best, least] = [i, distance];
      });
      show(best);
    });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      show((here + step + marks.length) % marks.length);
    });
    svg.addEventListener("blur", () => show(-1));
  }

  /* Loss landscapes. One state for all charts of the page, so that they can be compared; a chart redraws itself. */
  const state = { part: "train", show: "loss", log: false, band: true, alpha: null };
  const SHOWN = { loss: "loss", rise: "rise over the loss at α = 0", multiple: "multiple of the loss at α = 0" };

  function landscapes(box) {
    const content = JSON.parse(document.getElementById("landscape-data").textContent);
    const charts = [...document.querySelectorAll(".chart")].map((each) => new Chart(each, content));
    const follow = () => charts.forEach((chart) => chart.point());
    charts.forEach((chart) => { chart.moved = follow; });
    const redraw = () => charts.forEach((chart) => chart.draw());
    const parts = box.dataset.choices.split(" ").map((name) => [name, name]);
    if (parts.length && parts[0][0]) state.part = parts[0][0];
    choices(box, "radio", "Items", parts, [state.part], (value) => { state.part = value; redraw(); });
    choices(box, "radio", "Show", Object.entries(SHOWN), ["loss"], (value) => { state.show = value; redraw(); });
    const options = [["log", "log scale"], ["band", "range over directions"]];
    choices(box, "checkbox", "Options", options, ["band"], (value, on) => { state[value] = on; redraw(); });
    redraw();
    let width = window.innerWidth;
    window.addEventListener("resize", () => {
      if (window.innerWidth !== width) { width = window.innerWidth; redraw(); }
    });
  }

  /** Mean, smallest and largest of what is shown over the directions, at every alpha. */
  function summary(curve, part, show) {
    const zero = curve.alpha.reduce((best, a, i) => (Math.abs(a) < Math.abs(curve.alpha[best]) ? i : best), 0);
    const seen = { loss: (loss) => loss, rise: (loss, base) => loss - base, multiple: (loss, base) => loss / base }[show];
    const each = (line) => line.map((loss) => (loss === null || line[zero] === null ? null : seen(loss, line[zero])));
    const lines = (curve.parts[part] ?? []).map(each);
    return curve.alpha.map((alpha, i) => {
      const values = lines.map((line) => line[i]).filter((loss) => loss !== null);
      const mean = values.reduce((sum, loss) => sum + loss, 0) / values.length;
      return { alpha, mean: values.length ? mean : NaN, low: Math.min(...values), high: Math.max(...values) };
    });
  }

  /** Round numbers from low to high, about `count` of them; on a log scale powers of ten and their 2 and 5. */
  function ticks(low, high, log, count = 5) {
    if (log) {
      const found = [];
      const steps = high / low > 1000 ? [1] : [1, 2, 5];
      for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++)
        for (const step of steps) if (step * 10 ** e >= low && step * 10 ** e <= high) found.push(step * 10 ** e);
      return found;
    }
    const rough = (high - low) / count;
    const size = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((each) => each * size).find((each) => each >= rough * 0.999);
    const found = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(i * step);
    return found;
  }

  /** Heights of labels moved apart until none is closer to the next than `distance`. */
  function spread(heights, distance = 14) {
    const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
    const moved = order.map((i) => heights[i]);
    for (let round = 0; round < 60; round++)
      for (let i = 0; i + 1 < moved.length; i++) {
        const overlap = distance - (moved[i + 1] - moved[i]);
        if (overlap > 0) { moved[i] -= overlap / 2; moved[i + 1] += overlap / 2; }
      }
    const result = [];
    order.forEach((i, place) => { result[i] = moved[place]; });
    return result;
  }

  class Chart {
    constructor(box, content) {
      this.box = box;
      this.name = box.dataset.name;
      const chart = content.charts[box.dataset.chart];
      this.relative = chart.relative;
      this.lines = chart.lines.map((line) => ({ ...line, data: content.curves[line.key] }));
      this.moved = () => {};
      // A plot that reacts to keys is a slider over alpha, and is said to be one.
      this.svg = make("svg", { tabindex: "0", role: "slider", "aria-label": `${this.name}, cursor along α` }, box);
      this.table = make("table", {}, make("div", { class: "scroll" }, box));
      this.svg.addEventListener("pointermove", (event) => this.hover(event));
      this.svg.addEventListener("pointerdown", (event) => this.hover(event));
      this.svg.addEventListener("keydown", (event) => this.key(event));
      const alphas = this.lines.flatMap((line) => line.data.alpha);
      this.alphas = [...new Set(alphas)].sort((a, b) => a - b);
      this.svg.setAttribute("aria-valuemin", this.alphas[0]);
      this.svg.setAttribute("aria-valuemax", this.alphas.at(-1));
    }

    /** Losses of different methods have no common scale: unless asked for something else, their multiples are shown. */
    get own() { return this.relative && state.show === "loss"; }

    get show() { return this.own ? "multiple" : state.show; }

    get log() { return state.log || this.own; }

    draw() {
      const width = Math.max(300, Math.min(640, this.box.clientWidth)), height = 290;
      const right = Math.min(130, 24 + 6.6 * Math.max(...this.lines.map((line) => line.label.length)));
      const box = { left: 52, top: 10, right: width - right, bottom: height - 40 };
      this.series = this.lines.map((line) => summary(line.data, state.part, this.show));
      const fits = (value) => Number.isFinite(value) && (!this.log || value > 0);
      const values = this.series.flat().flatMap((p) => (state.band ? [p.mean, p.low, p.high] : [p.mean])).filter(fits);
      let [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0.1, 1];
      if (this.log) [low, high] = [low / 1.05, high * 1.05];
      else { const room = (high - low) * 0.05 || 1; [low, high] = [low - room, high + room]; }
      const first = this.alphas[0], last = this.alphas.at(-1);
      const scale = this.log ? Math.log10 : (value) => value;
      this.x = (a) => box.left + ((a - first) / (last - first || 1)) * (box.right - box.left);
      this.y = (v) => box.bottom - ((scale(v) - scale(low)) / (scale(high) - scale(low))) * (box.bottom - box.top);
      this.geometry = { ...box, width };
      this.svg.replaceChildren();
      this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.svg.setAttribute("width", width);
      this.svg.setAttribute("height", height);
      this.axes(box, low, high, first, last);
      this.curves(fits);
      this.labels(box, fits);
      this.cursor = make("path", { class: "cursor" }, this.svg);
      this.dots = make("g", {}, this.svg);
      this.point();
    }

    axes({ left, top, right, bottom }, low, high, first, last) {
      for (const value of ticks(low, high, this.log)) {
        const y = this.y(value);
        make("path", { class: "grid", d: `M${left},${y}H${right}` }, this.svg);
        make("text", { class: "tick", x: left - 6, y: y + 4, "text-anchor": "end" }, this.svg, short(value));
      }
      for (const value of ticks(first, last, false))
        make("text", { class: "tick", x: this.x(value), y: bottom + 16, "text-anchor": "middle" }, this.svg, short(value));
      make("path", { class: "axis", d: `M${left},${bottom}H${right}` }, this.svg);
      const middle = (left + right) / 2;
      make("text", { class: "name", x: middle, y: bottom + 33, "text-anchor": "middle" }, this.svg, "α");
      const text = `${{ loss: "", rise: "rise of the ", multiple: "multiple of the " }[this.show]}${state.part} loss`;
      const turned = `translate(11 ${(top + bottom) / 2}) rotate(-90)`;
      make("text", { class: "name", transform: turned, "text-anchor": "middle" }, this.svg, text);
    }

    curves(fits) {
      this.series.forEach((points, i) => {
        const { colour, dash } = this.lines[i];
        const banded = points.filter((p) => fits(p.low) && fits(p.high));
        if (state.band && banded.length) {
          const edge = [...banded.map((p) => [p.alpha, p.high]), ...banded.reverse().map((p) => [p.alpha, p.low])];
          const d = edge.map(([a, v]) => `${this.x(a).toFixed(1)},${this.y(v).toFixed(1)}`).join("L");
          make("path", { d: `M${d}Z`, fill: colour, "fill-opacity": 0.08 }, this.svg);
        }
        // The pen is lifted over points that have no place on the scale, such as a rise of zero on a log scale.
        let d = "", down = false;
        for (const p of points) {
          if (fits(p.mean)) d += `${down ? "L" : "M"}${this.x(p.alpha).toFixed(1)},${this.y(p.mean).toFixed(1)}`;
          down = fits(p.mean);
        }
        make("path", { class: "curve", d, stroke: colour, "stroke-dasharray": dash }, this.svg);
      });
    }

    labels({ right }, fits) {
      const ends = this.series.map((points) => points.filter((p) => fits(p.mean)).at(-1));
      const wanted = ends.map((end) => (end ? this.y(end.mean) : this.y.call(null, 1)));
      spread(wanted).forEach((y, i) => {
        if (!ends[i]) return;
        const line = `M${right + 2},${wanted[i]}L${right + 14},${y}`;
        make("path", { d: line, stroke: this.lines[i].colour, fill: "none" }, this.svg);
        make("text", { class: this.lines[i].base ? "label" : "", x: right + 18, y: y + 4 }, this.svg, this.lines[i].label);
      });
    }

    hover(event) {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
      const near = (a) => Math.abs(this.x(a) - point.x);
      this.move(this.alphas.reduce((best, a) => (near(a) < near(best) ? a : best)));
    }

    key(event) {
      const now = this.alphas.indexOf(state.alpha);
      const middle = Math.floor(this.alphas.length / 2);
      const end = this.alphas.length - 1;
      const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: end }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      this.move(this.alphas[now < 0 ? middle : Math.min(Math.max(next, 0), end)]);
    }

    move(alpha) {
      if (alpha === state.alpha) return;
      state.alpha = alpha;
      this.moved();
    }

    /** What a screen reader says of the cursor. */
    said(alpha) {
      const at = (points) => points.find((p) => p.alpha === alpha)?.mean ?? NaN;
      return `α ${short(alpha)}: ${this.series.map((p, i) => `${this.lines[i].label} ${short(at(p), 4)}`).join("; ")}`;
    }

    /** Cursor, dots and table at the alpha of the page; without one, the table shows the loss at the weights. */
    point() {
      const alpha = state.alpha ?? this.alphas.reduce((best, a) => (Math.abs(a) < Math.abs(best) ? a : best));
      const { top, bottom } = this.geometry;
      const shown = state.alpha !== null && this.alphas.includes(alpha);
      this.cursor.setAttribute("d", shown ? `M${this.x(alpha)},${top}V${bottom}` : "");
      this.svg.setAttribute("aria-valuenow", alpha);
      this.svg.setAttribute("aria-valuetext", this.said(alpha));
      this.dots.replaceChildren();
      this.table.replaceChildren();
      const head = make("tr", {}, make("thead", {}, this.table));
      const names = [`α = ${short(alpha)}`, this.show, "over directions"];
      names.forEach((text, i) => make("th", { scope: "col", class: i ? "number" : "" }, head, text));
      const body = make("tbody", {}, this.table);
      this.series.forEach((points, i) => {
        const p = points.find((each) => each.alpha === alpha);
        const { colour, label, dash } = this.lines[i];
        const row = make("tr", {}, body);
        const name = make("th", { scope: "row" }, row);
        const swatch = make("svg", { width: 22, height: 8, "aria-hidden": "true" }, name);
        make("path", { d: "M0,4H18", stroke: colour, "stroke-width": 2, "stroke-dasharray": dash }, swatch);
        name.append(label);
        make("td", { class: "number" }, row, short(p?.mean ?? NaN, 4));
        make("td", { class: "number" }, row, p && p.low < p.high ? `${short(p.low, 4)} to ${short(p.high, 4)}` : DASH);
        if (shown && p && (!this.log || p.mean > 0))
          make("circle", { cx: this.x(alpha), cy: this.y(p.mean), r: 3, fill: colour }, this.dots);
      });
    }
  }

  const controls = { protocol: protocolSwitch, verdicts: verdictFilter, landscape: landscapes };
  for (const box of document.querySelectorAll("[data-control]")) controls[box.dataset.control](box);
  document.querySelectorAll("table.sortable").forEach(sortable);
  document.querySelectorAll("figure.readable").forEach(readable);
  explainMarks();
  // What scrolls must be reachable without a pointer.
  for (const box of document.querySelectorAll(".scroll"))
    if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
})();
