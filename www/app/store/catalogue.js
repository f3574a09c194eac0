// The music store's rows: invented, but the same on every machine and every visit. Pure: it knows no database.

import { asAddress, COUNTRIES } from "./names.js";
import { Random } from "./random.js";
import { ADJECTIVES, GENRES, GERUNDS, GROUP_NOUNS, LABELS, NOUNS, PREPOSITIONS, SEASONS, VENUES } from "./words.js";

const ARTISTS = 1_200;
const ALBUMS = 3_400;
const CUSTOMERS = 4_000;
/** So many of the customers were there when the shop opened. */
const EARLY = 160;
const INVOICES = 30_000;
const OPENED = Date.UTC(2018, 2, 1);
const CLOSED = Date.UTC(2025, 11, 31, 21);
const PRICES = [0.79, 0.99, 0.99, 0.99, 1.29, 1.29, 1.49];
const LINES_PER_INVOICE = [1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 8, 10];

/** How many rows go into one transaction of the seeding. */
export const BATCH = 2_000;

/**
 * Plans the store: how many rows each table gets, and a generator of its batches, parents first.
 * @param {number} seed the same seed gives the same store.
 * @returns {{ totals: Record<string, number>, batches: () => Generator<{ table: string, rows: unknown[][] }> }}
 */
export function musicStore(seed = 1717) {
  const shape = new Random(seed);
  const tracksOf = Array.from({ length: ALBUMS }, () => shape.between(7, 14));
  const linesOf = Array.from({ length: INVOICES }, () => shape.pick(LINES_PER_INVOICE));
  const sum = (counts) => counts.reduce((all, count) => all + count, 0);
  const totals = {
    artists: ARTISTS,
    albums: ALBUMS,
    tracks: sum(tracksOf),
    customers: CUSTOMERS,
    invoices: INVOICES,
    invoice_lines: sum(linesOf),
  };
  function* batches() {
    const artists = makeArtists(new Random(seed + 1));
    yield* inBatches("artists", artists);
    const albums = makeAlbums(new Random(seed + 2), artists);
    yield* inBatches("albums", albums);
    const prices = [];
    yield* inBatches("tracks", makeTracks(new Random(seed + 3), artists, albums, tracksOf, prices));
    const customers = makeCustomers(new Random(seed + 4));
    yield* inBatches("customers", customers);
    const sales = makeSales(new Random(seed + 5), prices, linesOf);
    yield* inBatches("invoices", sales.invoices);
    yield* inBatches("invoice_lines", sales.lines);
  }
  return { totals, batches };
}

function* inBatches(table, rows) {
  let batch = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length === BATCH) {
      yield { table, rows: batch };
      batch = [];
    }
  }
  if (batch.length > 0) yield { table, rows: batch };
}

function makeArtists(random) {
  const taken = new Set();
  return Array.from({ length: ARTISTS }, (_, i) => {
    const genre = random.weighted(GENRES);
    const home = random.weighted(COUNTRIES);
    const name = unused(taken, () => artistName(random, genre, home));
    const formed = random.between(1958, 2019);
    const disbanded = random.chance(0.3) ? Math.min(2025, formed + random.between(4, 32)) : null;
    return [i + 1, name, genre.name, home.country, formed, disbanded];
  });
}

function artistName(random, genre, home) {
  const person = () => `${random.pick(home.given)} ${random.pick(home.family)}`;
  const way = random.unit();
  if (genre.ensembles.length > 0 && way < 0.35) return `${person()} ${random.pick(genre.ensembles)}`;
  if (way < 0.5) return person();
  if (way < 0.68) return `The ${random.pick(ADJECTIVES)} ${random.pick(GROUP_NOUNS)}`;
  if (way < 0.86) return `${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}`;
  if (way < 0.93) return `${random.pick(home.given)} & the ${random.pick(GROUP_NOUNS)}`;
  return `${random.pick(NOUNS)} ${random.pick(GROUP_NOUNS)}`;
}

function makeAlbums(random, artists) {
  const taken = artists.map(() => new Set());
  const released = [];
  for (let i = 0; i < ALBUMS; i += 1) {
    // Everyone has one album; the rest goes to some more than to others.
    const artist = i < artists.length ? i : Math.floor(artists.length * skewed(random.unit()));
    const [, , , , formed, disbanded] = artists[artist];
    const day = Date.UTC(random.between(formed, disbanded ?? 2025), random.below(12), random.between(1, 28));
    const title = unused(taken[artist], () => albumTitle(random, artists[artist][1]));
    released.push({ artist: artist + 1, title, day, label: random.chance(0.12) ? null : random.pick(LABELS), cover: cover(random) });
  }
  released.sort((a, b) => a.day - b.day || a.artist - b.artist || (a.title < b.title ? -1 : 1));
  return released.map((album, i) => [i + 1, album.artist, album.title, date(album.day), album.label, album.cover]);
}

function albumTitle(random, artist) {
  const way = random.unit();
  if (way < 0.3) return `${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}`;
  if (way < 0.45) return `The ${random.pick(NOUNS)} of ${random.pick(SEASONS)}`;
  if (way < 0.57) return `${random.pick(GERUNDS)} the ${random.pick(NOUNS)}`;
  if (way < 0.67) return `Letters from ${random.pick(random.pick(COUNTRIES).towns)}`;
  if (way < 0.76) return `${random.pick(NOUNS)} & ${random.pick(NOUNS)}`;
  if (way < 0.84) return `Live at ${random.pick(VENUES)}`;
  if (way < 0.9) return `The ${random.pick(NOUNS)} Sessions`;
  if (way < 0.93) return artist;
  return `${random.pick(NOUNS)} ${random.pick(["I", "II", "III", "IV"])}`;
}

function* makeTracks(random, artists, albums, tracksOf, prices) {
  let id = 0;
  for (const [albumId, artistId] of albums) {
    const [, artist, genre] = artists[artistId - 1];
    const taken = new Set();
    const long = genre === "Classical" || genre === "Ambient" ? 3 : genre === "Jazz" ? 2 : 1;
    for (let position = 1; position <= tracksOf[albumId - 1]; position += 1) {
      id += 1;
      const title = unused(taken, () => trackTitle(random));
      const composer = random.chance(0.25) ? null : random.chance(0.7) ? artist : person(random);
      const duration = long * random.between(92_000, 265_000) + random.below(1_000);
      prices.push(duration > 480_000 ? 1.99 : random.pick(PRICES));
      yield [id, albumId, position, title, composer, duration, prices[id - 1]];
    }
  }
}

function trackTitle(random) {
  const way = random.unit();
  if (way < 0.24) return `${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}`;
  if (way < 0.36) return random.pick(NOUNS);
  if (way < 0.52) return `${random.pick(GERUNDS)} ${random.pick(PREPOSITIONS)} the ${random.pick(NOUNS)}`;
  if (way < 0.66) return `${random.pick(NOUNS)} in ${random.pick(SEASONS)}`;
  if (way < 0.76) return `${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}, ${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}`;
  if (way < 0.84) return `${random.pick(["Waltz", "Song", "Prelude", "Blues", "Lament"])} for ${random.pick(random.pick(COUNTRIES).given)}`;
  if (way < 0.92) return `The ${random.pick(NOUNS)} and the ${random.pick(NOUNS)}`;
  return `Last ${random.pick(["Train", "Boat", "Light", "Call", "Letter", "Dance"])} to ${random.pick(random.pick(COUNTRIES).towns)}`;
}

function person(random) {
  const home = random.weighted(COUNTRIES);
  return `${random.pick(home.given)} ${random.pick(home.family)}`;
}

function makeCustomers(random) {
  const taken = new Set();
  return Array.from({ length: CUSTOMERS }, (_, i) => {
    const home = random.weighted(COUNTRIES);
    const first = random.pick(home.given);
    const last = random.pick(home.family);
    const host = random.pick(["example.com", "example.net", "example.org"]);
    let email = `${asAddress(first)}.${asAddress(last)}@${host}`;
    for (let n = 2; taken.has(email); n += 1) email = `${asAddress(first)}.${asAddress(last)}${n}@${host}`;
    taken.add(email);
    const phone = random.chance(0.4) ? null : `+${random.between(10, 99)} ${random.between(100, 999)} 555 ${String(random.below(10_000)).padStart(4, "0")}`;
    return [i + 1, first, last, email, random.pick(home.towns), home.country, phone, date(joinedAt(i))];
  });
}

/** Customers come one after another over the years, the first before the shop opens: whoever is invoiced has joined. */
const joinedAt = (customer) => OPENED + (CLOSED - OPENED) * 0.97 * ((customer - EARLY) / (CUSTOMERS - EARLY));

function makeSales(random, prices, linesOf) {
  const invoices = [];
  const lines = [];
  for (let i = 0; i < INVOICES; i += 1) {
    // The power of 3/4 makes the shop busier year by year.
    const even = (i + 0.6) / INVOICES;
    const share = Math.sqrt(even) * Math.sqrt(Math.sqrt(even));
    const at = OPENED + (CLOSED - OPENED) * share;
    const known = Math.min(CUSTOMERS, EARLY + Math.floor((share / 0.97) * (CUSTOMERS - EARLY)));
    const customer = 1 + scatter(Math.floor(known * skewed(random.unit())), known);
    let cents = 0;
    for (let n = 0; n < linesOf[i]; n += 1) {
      const track = scatter(Math.floor(prices.length * skewed(random.unit())), prices.length);
      const quantity = random.chance(0.04) ? 2 : 1;
      cents += Math.round(prices[track] * 100) * quantity;
      lines.push([lines.length + 1, i + 1, track + 1, prices[track], quantity]);
    }
    invoices.push([i + 1, customer, new Date(at).toISOString().slice(0, 19).replace("T", " "), cents / 100]);
  }
  return { invoices, lines };
}

/** The power of 3/2, by square roots because `**` may differ in its last bit from one browser to the next. */
const skewed = (unit) => unit * Math.sqrt(unit);

/** Spreads ranks over ids (7919 is prime and divides no table's size), so that what sells best is not what comes first. */
const scatter = (rank, count) => (rank * 7919) % count;

/** Pairs of colours for covers, as bitmaps want them: blue, green, red. */
const INKS = [[0xa1d7f4, 0x636e0b], [0xe8f3f7, 0x2a3fb0], [0xd9f0ff, 0x1c28a8], [0xc9e8d8, 0x3a5a1e], [0xf2e2d4, 0x7a3a2b],
  [0xf0dbee, 0x943a6c], [0xcfe9fb, 0x0a52b8], [0xe3e0dc, 0x3b3430]].map((pair) => pair.map((bgr) => [bgr >> 16, (bgr >> 8) & 255, bgr & 255]));

/** A tiny picture of two colours, mirrored as a face is: an 8 by 8 bitmap file of 94 bytes. */
function cover(random) {
  const bytes = new Uint8Array(94);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  for (const [at, value] of [[2, 94], [10, 62], [14, 40], [18, 8], [22, 8], [34, 32], [46, 2]]) view.setUint32(at, value, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 1, true);
  const [ground, figure] = random.pick(INKS);
  bytes.set(ground, 54);
  bytes.set(figure, 58);
  for (let row = 0; row < 8; row += 1) {
    const half = random.below(16);
    let bits = half << 4;
    for (let i = 0; i < 4; i += 1) bits |= ((half >> i) & 1) << (3 - i);
    bytes[62 + row * 4] = bits;
  }
  return bytes;
}

function unused(taken, make) {
  for (;;) {
    const name = make();
    if (!taken.has(name)) {
      taken.add(name);
      return name;
    }
  }
}

const date = (time) => new Date(time).toISOString().slice(0, 10);
