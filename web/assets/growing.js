"use strict";
// Plays a movie that grows: an HLS playlist of fragmented MP4, fed to the player
// piece by piece (Media Source Extensions).

// codecs reads from an initialisation segment what the player must know:
// profile, constraints and level behind "avcC" (ISO/IEC 14496-15, 5.3.3.1).
function codecs(init) {
  const find = (name) => {
    const want = [...name].map((c) => c.charCodeAt(0));
    return init.findIndex((_, i) => want.every((c, k) => init[i + k] === c));
  };
  const at = find("avcC") + 5;
  const avc = [...init.slice(at, at + 3)].map((v) => v.toString(16).padStart(2, "0")).join("");
  return `video/mp4; codecs="avc1.${avc}${find("mp4a") < 0 ? "" : ", mp4a.40.2"}"`;
}

class Growing {
  // told is called with the seconds there are, whenever there are more.
  constructor(video, run, playlist, told) {
    Object.assign(this, { video, run, playlist, told, wanted: 0, have: 0, busy: false, closed: false });
    this.source = new MediaSource();
    this.address = URL.createObjectURL(this.source);
    this.open = new Promise((done) => this.source.addEventListener("sourceopen", done, { once: true }));
    video.src = this.address;
  }

  // reach says that the playlist names that many segments.
  reach(segments) {
    this.wanted = Math.max(this.wanted, segments);
    this.feed();
  }

  async feed() {
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.have < this.wanted && !this.closed) await this.more();
    } catch (e) {
      console.warn(`${this.playlist}: ${e.message}`); // the next change of the song tries again
    }
    this.busy = false;
  }

  // more appends what the playlist has that the player has not.
  async more() {
    await this.open;
    const base = new URL(this.playlist, location.href);
    const text = await (await this.get(base)).text();
    const names = text.split("\n").filter((l) => l && !l.startsWith("#"));
    if (names.length < this.wanted) throw new Error(`names ${names.length} segments, not ${this.wanted}`);
    if (!this.buffer) {
      const init = await this.bytes(new URL(/#EXT-X-MAP:URI="([^"]*)"/.exec(text)[1], base));
      this.buffer = this.source.addSourceBuffer(codecs(init));
      await this.append(init);
    }
    for (; this.have < names.length && !this.closed; this.have++) {
      await this.append(await this.bytes(new URL(names[this.have], base)));
      this.told(this.buffer.buffered.end(this.buffer.buffered.length - 1));
    }
    if (text.includes("#EXT-X-ENDLIST") && !this.closed) this.source.endOfStream();
  }

  async get(url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer;
  }

  async bytes(url) { return new Uint8Array(await (await this.get(url)).arrayBuffer()); }

  append(bytes) {
    return new Promise((done, failed) => {
      this.buffer.onupdateend = done;
      this.buffer.onerror = () => failed(new Error("the player refused a segment"));
      this.buffer.appendBuffer(bytes);
    });
  }

  close() {
    this.closed = true;
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.address);
  }
}
