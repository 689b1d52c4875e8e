"use strict";
// Follows one song, and sends a person's changes of its parts.
const { choir, song, name } = document.body.dataset;
const api = `/api/songs/${encodeURIComponent(choir)}/${encodeURIComponent(song)}`;
const query = `?name=${encodeURIComponent(name)}`;
const $ = (id) => document.getElementById(id);
let run = "";
let etag = "";
let growing = null;
let watched = null;

function element(tag, text, name) {
  const e = document.createElement(tag);
  e.textContent = text;
  if (name) e.className = name;
  return e;
}

function media(role, key) { return `/media/${role}/${encodeURIComponent(key)}`; }

async function send(method, path, change) {
  $("line").textContent = "";
  const answer = await fetch(path, {
    method, headers: { "Content-Type": "application/json" }, body: change === undefined ? undefined : JSON.stringify(change),
  });
  if (!answer.ok) $("line").textContent = (await answer.json()).error;
}

$("definition").href = `${api}/definition${query}`;
$("render").onclick = () => send("POST", `${api}/render${query}`);
$("retry").onclick = () => send("POST", `${api}/retry${query}`);
$("cancel").onclick = () => send("POST", `/api/runs/${encodeURIComponent(run)}/cancel`);

function showStages(stages) {
  $("stages").tBodies[0].replaceChildren(...stages.map((s) => {
    const row = document.createElement("tr");
    row.insertCell().textContent = s.stage;
    const bar = element("progress", "");
    bar.max = 100;
    bar.value = s.percent;
    row.insertCell().append(bar, ` ${Math.round(s.percent)} %`);
    row.insertCell().textContent = s.total > 1 ? `${s.done} of ${s.total}` : "";
    row.insertCell().append(element("span", s.state, `state ${s.state}`));
    row.insertCell().textContent = s.waiting || "";
    return row;
  }));
}

function input(label, type, value, change) {
  const e = element("input", "");
  e.type = type;
  e.setAttribute("aria-label", label);
  if (type === "checkbox") e.checked = value; else e.value = value;
  e.onchange = () => change(type === "checkbox" ? e.checked : Number(e.value));
  return e;
}

function recording(p) {
  const f = p.facts;
  if (!f) return p.state === "ingesting" ? `${Math.round(p.percent)} %` : "";
  const v = f.video ? `${f.video.codec} ${f.video.width}x${f.video.height} ${f.video.fps.toFixed(1)} fps` : "no picture";
  const a = f.audio ? `${f.audio.codec} ${f.audio.rate_hz} Hz` : "no sound";
  return `${v}, ${a}, ${(f.duration_ns / 1e9).toFixed(1)} s`;
}

function partRow(p) {
  const row = document.createElement("tr");
  const put = (change) => send("PATCH", `${api}/parts/${encodeURIComponent(p.part_id)}`, change);
  const picture = row.insertCell();
  if (p.snapshot) {
    const img = element("img", "");
    img.src = media("snapshots", p.snapshot);
    img.alt = "";
    img.loading = "lazy";
    picture.append(img);
  }
  const who = row.insertCell();
  who.append(element("strong", p.name || p.part_id), element("small", `${p.part_type || ""} ${p.name ? p.part_id : ""}`, "quiet"));
  const state = row.insertCell();
  state.append(element("span", p.dropped ? "dropped" : p.state, `state ${p.dropped ? "dropped" : p.state}`));
  const why = p.error || p.dropped;
  if (why) state.append(element("small", why, "bad"));
  const facts = row.insertCell();
  facts.textContent = recording(p);
  for (const w of p.warnings || []) facts.append(element("small", w, "odd"));
  const offset = row.insertCell();
  const ms = input(`offset of ${p.name || p.part_id}, ms`, "number", p.offset_ms.toFixed(1), (v) => put({ offset: v, offset_locked: true }));
  ms.step = "any";
  offset.append(ms);
  offset.append(element("small", p.offset_locked ? "locked by a person" : p.method ? `${p.method}, ${(100 * p.confidence).toFixed(0)} % sure` : "",
    p.needs_review ? "odd" : "quiet"));
  for (const c of p.candidates || []) {
    const b = element("button", `${c.offset_ms.toFixed(0)} ms`);
    b.onclick = () => put({ offset: c.offset_ms, offset_locked: true });
    offset.append(b);
  }
  if (p.offset_locked) {
    const b = element("button", "measure again");
    b.onclick = () => put({ offset: null, offset_locked: null });
    offset.append(b);
  }
  const volume = input(`volume of ${p.name || p.part_id}`, "number", p.volume, (v) => put({ volume: v }));
  volume.step = 0.1;
  volume.min = 0;
  row.insertCell().append(volume);
  row.insertCell().append(input(`hide ${p.name || p.part_id}`, "checkbox", !!p.hidden, (v) => put({ hidden: v })));
  return row;
}

function showFinal(out) {
  $("final").hidden = !out;
  if (!out || out.etag === etag) return;
  etag = out.etag; // only then: a player must not be interrupted by a percentage
  const player = $("player");
  player.src = media("final", out.final);
  if (watched) {
    player.currentTime = watched.at;
    if (watched.playing) player.play().catch(() => {}); // a browser may want a click first
    watched = null;
  }
  if (out.snapshot) player.poster = media("snapshots", out.snapshot);
  $("facts").textContent = `${out.width}x${out.height}, ${out.fps} fps, ${out.duration_s.toFixed(1)} s, ${out.frames} frames, ` +
    `${(out.bytes / 1e6).toFixed(1)} MB` + (out.silent ? ", silent" : `, ${out.lufs.toFixed(1)} LUFS, ${out.dbtp.toFixed(1)} dBTP`);
}

function showGrowing(s) {
  const g = s.growing;
  $("growing").hidden = !g;
  if (!g) {
    if (!growing) return;
    const sofar = $("sofar"); // whoever watches it goes on watching the final
    watched = { at: sofar.currentTime, playing: !sofar.paused };
    growing.close();
    growing = null;
    return;
  }
  if (!growing || growing.run !== s.run) {
    if (growing) growing.close();
    growing = new Growing($("sofar"), s.run, media("preview", g.playlist), (seconds) => {
      $("grown").textContent = `${seconds.toFixed(0)} s can be watched while the rest is being made.`;
    });
  }
  growing.reach(g.segments);
}

function left(seconds) {
  if (!seconds) return "";
  return seconds < 90 ? `about ${Math.ceil(seconds)} s left` : `about ${Math.round(seconds / 60)} min left`;
}

function show(s) {
  run = s.run || "";
  $("run").textContent = run;
  $("percent").value = s.percent;
  $("number").textContent = `${Math.round(s.percent)} %`;
  $("state").textContent = s.state;
  $("state").className = `state ${s.state}`;
  $("left").textContent = left(s.remaining_s);
  $("error").textContent = s.error || "";
  $("cancel").disabled = s.settled || !run;
  $("render").disabled = !run;
  showStages(s.stages);
  const warnings = s.warnings || [];
  $("warned").hidden = warnings.length === 0;
  $("warnings").replaceChildren(...warnings.map((w) => element("li", w.part_id ? `${w.part_id}: ${w.text}` : w.text)));
  const parts = $("parts");
  if (!parts.contains(document.activeElement) || document.activeElement.tagName === "BUTTON") {
    parts.tBodies[0].replaceChildren(...(s.parts || []).map(partRow)); // not while somebody types in it
  }
  showGrowing(s);
  showFinal(s.growing ? null : s.output);
}

show(JSON.parse($("now").textContent)); // what the server knew when it sent the page

const source = new EventSource(`${api}/events${query}`);
source.onmessage = (m) => show(JSON.parse(m.data));
source.onerror = () => { $("line").textContent = "The connection is lost; trying again …"; };
source.onopen = () => { $("line").textContent = ""; };
