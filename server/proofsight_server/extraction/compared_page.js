"use strict";
(() => {
  const nodes = [...document.querySelectorAll(".node")];
  const lines = [...document.querySelectorAll(".edge")];
  const switches = [...document.querySelectorAll("[data-shows]")];
  const detail = document.getElementById("detail");
  let pinned = null;

  // Lines of the parts that are switched on, and the channels that these join.
  function sift() {
    const parts = new Set(switches.filter((s) => s.checked).map((s) => s.dataset.shows));
    const live = new Set();
    for (const line of lines) {
      const stays = parts.has(line.dataset.part);
      line.classList.toggle("gone", !stays);
      if (stays) { live.add(line.dataset.from); live.add(line.dataset.to); }
    }
    for (const node of nodes) node.classList.toggle("gone", !live.has(node.dataset.channel));
    shown();
  }

  function shown(hovered) {
    const channel = hovered || pinned;
    const near = new Set([channel]);
    for (const line of lines) {
      const joins = line.dataset.from === channel || line.dataset.to === channel;
      line.classList.toggle("dim", Boolean(channel) && !joins);
      if (joins && !line.classList.contains("gone")) {
        near.add(line.dataset.from);
        near.add(line.dataset.to);
      }
    }
    for (const node of nodes) {
      node.classList.toggle("dim", Boolean(channel) && !near.has(node.dataset.channel));
      node.classList.toggle("pinned", node.dataset.channel === pinned);
    }
    describe(channel);
  }

  function describe(channel) {
    detail.classList.toggle("idle", !channel);
    if (!channel) {
      detail.textContent = "Point at a channel, or move there with the keyboard.";
      return;
    }
    const count = (end, part) => lines.filter(
      (l) => l.dataset[end] === channel && l.dataset.part === part).length;
    const told = (end) => `${count(end, "both")} shared, ${count(end, "first")} only in the ` +
      `first, ${count(end, "second")} only in the second`;
    const title = document.createElement("b");
    title.textContent = channel;
    const rows = [`reads: ${told("to")}`, `is read by: ${told("from")}`].map((text) => {
      const row = document.createElement("div");
      row.textContent = text;
      return row;
    });
    detail.replaceChildren(title, ...rows);
  }

  function pin(channel) {
    pinned = pinned === channel ? null : channel;
    shown();
  }

  for (const node of nodes) {
    const channel = node.dataset.channel;
    node.addEventListener("mouseenter", () => shown(channel));
    node.addEventListener("mouseleave", () => shown());
    node.addEventListener("focus", () => shown(channel));
    node.addEventListener("blur", () => shown());
    node.addEventListener("click", () => pin(channel));
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      pin(channel);
      event.preventDefault();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    pinned = null;
    document.activeElement.blur();
    shown();
  });
  for (const one of switches) one.addEventListener("change", sift);
  document.getElementById("print").onclick = () => window.print();
  sift();
})();
