"use strict";
// Follows the list of songs.
const body = document.querySelector("#songs tbody");
const line = document.querySelector("#line");
const shown = new URLSearchParams(location.search).get("choir"); // null for all

function cell(row, content, name) {
  const td = row.insertCell();
  if (content instanceof Node) td.append(content); else td.textContent = content;
  if (name) td.className = name;
  return td;
}

function element(tag, text, name) {
  const e = document.createElement(tag);
  e.textContent = text;
  if (name) e.className = name;
  return e;
}

function show(songs) {
  document.querySelector("#none").hidden = songs.length > 0;
  const rows = songs.map((s) => {
    const row = document.createElement("tr");
    const link = element("a", s.title || s.song.song_id);
    link.href = `/songs/${encodeURIComponent(s.song.choir_id)}/${encodeURIComponent(s.song.song_id)}`;
    cell(row, link);
    cell(row, s.song.choir_id);
    const parts = cell(row, String(s.parts));
    if (s.left_out) parts.append(" ", element("span", `${s.left_out} left out`, "bad"));
    if (s.needs_review) parts.append(" ", element("span", `${s.needs_review} to check`, "odd"));
    const bar = element("progress", "");
    bar.max = 100;
    bar.value = s.percent;
    cell(row, bar).append(` ${Math.round(s.percent)} %`);
    cell(row, element("span", s.state, `state ${s.state}`)).title = s.error || "";
    const final = cell(row, "");
    if (s.final) {
      const a = element("a", "final");
      a.href = `/media/final/${encodeURIComponent(s.final)}`;
      final.append(a);
    }
    return row;
  });
  body.replaceChildren(...rows);
}

const source = new EventSource("/api/events" + location.search);
source.onmessage = (m) => { line.textContent = ""; show(JSON.parse(m.data)); };
source.onerror = () => { line.textContent = "The connection is lost; trying again …"; };

// Nodes come and go, which changes no song.
async function nodes() {
  try {
    const answer = await (await fetch("/api/nodes")).json();
    document.querySelector("#machines").hidden = answer.nodes.length === 0;
    document.querySelector("#nodes tbody").replaceChildren(...answer.nodes.map((n) => {
      const row = document.createElement("tr");
      cell(row, n.name);
      cell(row, n.trouble || String(n.slots));
      cell(row, n.composes || "nothing yet");
      cell(row, n.decoder || "nothing yet").title = n.decoding || "";
      cell(row, n.encoder || "nothing yet").title = n.lacks || "";
      cell(row, n.stripes_join ? "joined" : "encoded twice");
      return row;
    }));
  } catch {
    // The line of the songs says that the connection is lost.
  }
}
setInterval(nodes, 10000);

async function choirs() {
  try {
    const answer = await (await fetch("/api/choirs")).json();
    const nav = document.querySelector("#choirs");
    nav.hidden = answer.choirs.length < 2;
    nav.replaceChildren(nav.firstElementChild, ...answer.choirs.flatMap((c) => {
      const a = element("a", `${c.choir_id} (${c.songs})`);
      a.href = `/?choir=${encodeURIComponent(c.choir_id)}`;
      if (c.choir_id === shown) a.setAttribute("aria-current", "page");
      return [" ", a];
    }));
  } catch {
    // As with the nodes.
  }
}
setInterval(choirs, 10000);
