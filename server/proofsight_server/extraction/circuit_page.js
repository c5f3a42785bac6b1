"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const svg = document.querySelector("figure > svg");
  const slider = document.getElementById("keep");
  const told = document.getElementById("told");
  const search = document.getElementById("search");
  const detail = document.getElementById("detail");
  const nodes = new Map([...svg.querySelectorAll(".node")].map((n) => [n.dataset.channel, n]));
  const lines = [...svg.querySelectorAll(".edge")];
  const kernels = new Map(data.kernels.map((k) => [k.source + ">" + k.channel, k]));
  const ranks = data.kernels.map((k) => k.rank).sort((a, b) => a - b);
  let pinned = new Set();
  let alive = new Set();

  // Which lines are on a path from the image to the target, among kernels up to a rank.
  function sweep(limit) {
    const left = lines.filter((l) => !l.dataset.rank || Number(l.dataset.rank) <= limit);
    const starts = [...nodes.keys()].filter((c) => c.startsWith("image:"));
    const down = reach(starts, left, "from", "to");
    const up = reach([data.target], left, "to", "from");
    alive = new Set(left.filter((l) => down.has(l.dataset.from) && up.has(l.dataset.to)));
  }

  function reach(starts, edges, here, there) {
    const next = new Map();
    for (const edge of edges) {
      const at = edge.dataset[here];
      if (!next.has(at)) next.set(at, []);
      next.get(at).push(edge.dataset[there]);
    }
    const seen = new Set(starts);
    const queue = [...starts];
    while (queue.length) {
      for (const channel of next.get(queue.pop()) || []) {
        if (!seen.has(channel)) { seen.add(channel); queue.push(channel); }
      }
    }
    return seen;
  }

  function limited() {
    const limit = ranks[Number(slider.value) - 1];
    sweep(limit);
    const live = new Set();
    for (const line of lines) {
      line.classList.toggle("gone", !alive.has(line));
      if (alive.has(line)) { live.add(line.dataset.from); live.add(line.dataset.to); }
    }
    for (const [channel, node] of nodes) node.classList.toggle("gone", !live.has(channel));
    const count = [...alive].filter((l) => l.dataset.rank).length;
    const share = (100 * limit / data.total).toPrecision(3);
    told.textContent = count
      ? `rank ≤ ${limit} (keep ${share} %): ${count} of ${ranks.length} drawn kernels`
      : `rank ≤ ${limit} (keep ${share} %): none of the drawn kernels is on a path`;
    shown();
  }

  // What some channels are made from, and what is made from them, stays; the rest fades.
  function isolate(channels) {
    if (!channels.length) {
      for (const element of [...lines, ...nodes.values()]) element.classList.remove("dim");
      return;
    }
    const edges = [...alive];
    const bright = new Set();
    const lit = new Set();
    for (const channel of channels) {
      const up = reach([channel], edges, "to", "from");
      const down = reach([channel], edges, "from", "to");
      for (const one of [...up, ...down]) bright.add(one);
      for (const edge of edges) {
        if (up.has(edge.dataset.to) || down.has(edge.dataset.from)) lit.add(edge);
      }
    }
    for (const line of lines) line.classList.toggle("dim", !lit.has(line));
    for (const [channel, node] of nodes) node.classList.toggle("dim", !bright.has(channel));
  }

  function shown(hovered) {
    const found = search.value.trim()
      ? [...nodes.keys()].filter((c) => matches(c, search.value.trim()))
      : [];
    isolate(hovered ? [hovered] : [...pinned, ...found]);
    describe(hovered || [...pinned].pop() || (found.length === 1 ? found[0] : null));
    if (search.value.trim() && !found.length && !hovered) {
      detail.textContent = `No channel that is drawn is called ${search.value.trim()}.`;
    }
  }

  const matches = (channel, text) => channel === text || channel.split(":").includes(text) ||
    (text.includes(":") && channel.startsWith(text));

  function pin(channel) {
    if (!pinned.delete(channel)) pinned.add(channel);
    for (const [name, node] of nodes) node.classList.toggle("pinned", pinned.has(name));
    shown();
  }

  function describe(channel) {
    detail.replaceChildren();
    detail.classList.toggle("idle", !channel);
    if (!channel) {
      detail.textContent = "Point at a channel, or move there with the keyboard.";
      return;
    }
    heading(channel + (data.constants.includes(channel) ? " (also passes on a constant)" : ""));
    list("reads", lines.filter((l) => alive.has(l) && l.dataset.to === channel), "from");
    list("is read by", lines.filter((l) => alive.has(l) && l.dataset.from === channel), "to");
  }

  function heading(text) {
    const title = document.createElement("b");
    title.textContent = text;
    detail.append(title);
  }

  function list(word, edges, end) {
    if (!edges.length) return;
    const about = document.createElement("div");
    about.textContent = `${word} ${edges.length}:`;
    const table = document.createElement("table");
    const score = (l) => (kernelOf(l) ? kernelOf(l).score : Infinity);
    for (const line of edges.sort((a, b) => score(b) - score(a)).slice(0, 24)) {
      const row = table.insertRow();
      const go = document.createElement("button");
      go.textContent = line.dataset[end];
      go.onclick = () => { nodes.get(line.dataset[end]).focus(); pin(line.dataset[end]); };
      row.insertCell().append(go);
      const kernel = kernelOf(line);
      const rank = row.insertCell();
      rank.className = "n";
      rank.textContent = kernel ? `rank ${kernel.rank}` : "passed on";
      const value = row.insertCell();
      value.className = "n";
      value.textContent = kernel ? kernel.score.toPrecision(3) : "";
      row.insertCell().append(kernel ? taps(kernel) : "");
    }
    detail.append(about, table);
  }

  const kernelOf = (line) => (line.dataset.rank
    ? kernels.get(line.dataset.from + ">" + line.dataset.to) : null);

  // A kernel's weights, grey at zero on the one scale of its layer.
  function taps(kernel) {
    const ns = "http://www.w3.org/2000/svg";
    const rows = kernel.taps.length;
    const columns = kernel.taps[0].length;
    const cell = Math.max(3, Math.min(8, Math.floor(32 / Math.max(rows, columns))));
    const box = document.createElementNS(ns, "svg");
    box.setAttribute("class", "taps");
    box.setAttribute("width", columns * cell);
    box.setAttribute("height", rows * cell);
    const largest = data.largest[kernel.channel.split(":")[0]] || 1;
    kernel.taps.forEach((row, y) => row.forEach((weight, x) => {
      const square = document.createElementNS(ns, "rect");
      square.setAttribute("x", x * cell);
      square.setAttribute("y", y * cell);
      square.setAttribute("width", cell);
      square.setAttribute("height", cell);
      square.setAttribute("fill", signed(weight / largest));
      box.append(square);
    }));
    return box;
  }

  function signed(share) {
    const end = share >= 0 ? data.colours.excites : data.colours.inhibits;
    const depth = Math.min(1, Math.abs(share)) ** 0.6;
    const mixed = data.colours.nothing.map((grey, i) => Math.round(grey + (end[i] - grey) * depth));
    return `rgb(${mixed.join(",")})`;
  }

  // The neighbour of a channel in the picture: in its column, or the nearest of the next one.
  function neighbour(channel, sideways, step) {
    const [x, y] = data.places[channel];
    const others = Object.entries(data.places).filter(([name]) => name !== channel);
    const near = sideways
      ? others.filter(([, p]) => Math.sign(p[0] - x) === step)
      : others.filter(([, p]) => p[0] === x && Math.sign(p[1] - y) === step);
    const far = ([, p]) => Math.abs(p[0] - x) * 1000 + Math.abs(p[1] - y);
    const found = near.sort((a, b) => far(a) - far(b))[0];
    return found ? found[0] : channel;
  }

  for (const [channel, node] of nodes) {
    node.addEventListener("mouseenter", () => shown(channel));
    node.addEventListener("mouseleave", () => shown());
    node.addEventListener("focus", () => shown(channel));
    node.addEventListener("blur", () => shown());
    node.addEventListener("click", () => pin(channel));
    node.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [true, -1], ArrowRight: [true, 1], ArrowUp: [false, -1],
        ArrowDown: [false, 1] };
      if (steps[event.key]) nodes.get(neighbour(channel, ...steps[event.key])).focus();
      else if (event.key === "Enter" || event.key === " ") pin(channel);
      else return;
      event.preventDefault();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      pinned = new Set();
      search.value = "";
      document.activeElement.blur();
      for (const node of nodes.values()) node.classList.remove("pinned");
      shown();
    } else if (event.target.tagName === "INPUT") {
      return;
    } else if (event.key === "/") {
      search.focus();
      event.preventDefault();
    } else if (event.key === "[" || event.key === "]") {
      slider.value = Number(slider.value) + (event.key === "]" ? 1 : -1);
      limited();
    }
  });
  slider.max = ranks.length;
  slider.value = ranks.length;
  slider.addEventListener("input", limited);
  search.addEventListener("input", () => shown());
  search.addEventListener("keydown", (event) => {
    const found = [...nodes.keys()].filter((c) => matches(c, search.value.trim()));
    if (event.key === "Enter" && found.length) { pin(found[0]); nodes.get(found[0]).focus(); }
  });

  function saved(url, suffix) {
    const link = document.createElement("a");
    link.href = url;
    link.download = data.name + suffix;
    link.click();
  }

  function source() {
    const copy = svg.cloneNode(true);
    const style = document.createElementNS("http://www.w3.org/2000/svg", "style");
    style.textContent = ".dim{opacity:.1}.gone{display:none}.node.gone{display:inline;opacity:.12}";
    copy.prepend(style);
    return new XMLSerializer().serializeToString(copy);
  }

  document.getElementById("svg").onclick = () => {
    const url = URL.createObjectURL(new Blob([source()], { type: "image/svg+xml" }));
    saved(url, ".svg");
    URL.revokeObjectURL(url);
  };
  document.getElementById("png").onclick = () => {
    const picture = new Image();
    picture.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = 2 * svg.viewBox.baseVal.width;
      canvas.height = 2 * svg.viewBox.baseVal.height;
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      saved(canvas.toDataURL("image/png"), ".png");
    };
    picture.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(source());
  };
  document.getElementById("print").onclick = () => window.print();
  limited();
})();
