// Which rows and columns of a large table are visible. Pure: numbers in, numbers out.

/** The rows that are visible, and a few around them: from `first` up to `last`, without `last`. */
export function visibleRows({ scrollTop, height, rowHeight, count, around = 6 }) {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - around);
  const last = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + around);
  return { first: Math.min(first, last), last };
}

/** Where columns begin, and how wide all are. */
export function columnEdges(widths) {
  const lefts = [];
  let total = 0;
  for (const width of widths) {
    lefts.push(total);
    total += width;
  }
  return { lefts, total };
}

/** The columns that are visible, and a few around them: from `first` up to `last`, without `last`. */
export function visibleColumns({ scrollLeft, width, lefts, widths, around = 2 }) {
  let first = 0;
  while (first < lefts.length - 1 && lefts[first] + widths[first] <= scrollLeft) first += 1;
  let last = first;
  while (last < lefts.length && lefts[last] < scrollLeft + width) last += 1;
  return { first: Math.max(0, first - around), last: Math.min(lefts.length, last + around) };
}

/** How far to scroll so that a span is visible between two edges, or where to stay. */
export function scrolledInto({ start, end, position, size }) {
  if (start < position) return start;
  return end > position + size ? Math.min(start, end - size) : position;
}

/** The width of a column in characters, from its name and a sample of its cells. */
export function widthInCharacters(name, texts, { least = 5, most = 44 } = {}) {
  let longest = name.length + 1;
  for (const text of texts) longest = Math.max(longest, text.length);
  return Math.max(least, Math.min(most, longest));
}

/** The cell that a key leads to, or undefined for keys that are none of the grid's. */
export function moved({ row, column }, key, { rows, columns, page, far }) {
  const to = (r, c) => ({ row: Math.max(0, Math.min(rows - 1, r)), column: Math.max(0, Math.min(columns - 1, c)) });
  switch (key) {
    case "ArrowUp": return to(far ? 0 : row - 1, column);
    case "ArrowDown": return to(far ? rows - 1 : row + 1, column);
    case "ArrowLeft": return to(row, far ? 0 : column - 1);
    case "ArrowRight": return to(row, far ? columns - 1 : column + 1);
    case "PageUp": return to(row - page, column);
    case "PageDown": return to(row + page, column);
    case "Home": return to(far ? 0 : row, 0);
    case "End": return to(far ? rows - 1 : row, columns - 1);
    default: return undefined;
  }
}
