// What a value looks like: in a cell, in the clipboard, and at full length.

import { bytes, count } from "../format.js";

/** Longer texts are cut in cells; the whole value is one key away. */
const IN_CELL = 240;

/** The kind of a value, which is also the class of its cell. */
export function kind(value) {
  if (value === null || value === undefined) return "null";
  if (typeof value === "number" || typeof value === "bigint") return "number";
  return typeof value === "string" ? "text" : "blob";
}

/** The text of a cell. */
export function shown(value) {
  switch (kind(value)) {
    case "null": return "NULL";
    case "number": return Object.is(value, -0) ? "-0.0" : String(value);
    case "blob": return `${imageType(value) === undefined ? "BLOB" : "picture"} · ${bytes(value.byteLength)}`;
    default: return (value.length > IN_CELL ? `${value.slice(0, IN_CELL)}…` : value).replace(/\r?\n/gu, " ↵ ").replaceAll("\0", "␀");
  }
}

/** The text that is copied: NULL is empty, blobs are SQL literals. */
export function copied(value) {
  switch (kind(value)) {
    case "null": return "";
    case "blob": return `x'${hex(value)}'`;
    default: return String(value);
  }
}

/** A rectangle of cells as tab-separated lines; tabs and line ends inside a value are quoted as spreadsheets do. */
export function asTsv(rows) {
  const field = (text) => (/[\t\r\n"]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => row.map((value) => field(copied(value))).join("\t")).join("\n");
}

/** What a value is, in words. */
export function described(value) {
  switch (kind(value)) {
    case "null": return "NULL";
    case "number": return typeof value === "bigint" || Number.isInteger(value) ? "Number, whole" : "Number, real";
    case "blob": return `Blob of ${bytes(value.byteLength)}`;
    default: return `Text of ${count([...value].length)} ${value.length === 1 ? "character" : "characters"}`;
  }
}

/** The bytes of a blob, 16 in a line: offset, hexadecimal, printable characters. */
export function hexDump(blob, limit = 4096) {
  const lines = [];
  const all = asBytes(blob);
  for (let at = 0; at < Math.min(all.length, limit); at += 16) {
    const part = [...all.subarray(at, Math.min(at + 16, limit))];
    const digits = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ").padEnd(47);
    const letters = part.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${digits}  ${letters}`);
  }
  if (all.length > limit) lines.push(`… and ${bytes(all.length - limit)} more`);
  return lines.join("\n");
}

const SIGNATURES = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["image/bmp", [0x42, 0x4d]],
];

/** The media type of a blob that is a picture every browser shows, or undefined. */
export function imageType(value) {
  const all = asBytes(value);
  return SIGNATURES.find(([, signature]) => all.length > 24 && signature.every((byte, i) => all[i] === byte))?.[0];
}

const asBytes = (blob) => (blob instanceof Uint8Array ? blob : ArrayBuffer.isView(blob)
  ? new Uint8Array(blob.buffer, blob.byteOffset, blob.byteLength) : new Uint8Array(blob));

const hex = (blob) => Array.from(asBytes(blob), (byte) => byte.toString(16).padStart(2, "0")).join("");
