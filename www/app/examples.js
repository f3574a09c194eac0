// Queries to begin with.

/** Title, a line about it, and the SQL. The first is what a new visitor sees. */
export const EXAMPLES = [
  {
    title: "Best sellers",
    about: "The artists that earn most: joins and a group by over 122,578 invoice lines",
    sql: `-- Who earns the most?
SELECT artists.name AS artist,
       artists.genre,
       count(*) AS sold,
       round(sum(l.unit_price * l.quantity), 2) AS revenue
FROM invoice_lines AS l
JOIN tracks  ON tracks.id = l.track_id
JOIN albums  ON albums.id = tracks.album_id
JOIN artists ON artists.id = albums.artist_id
GROUP BY artists.id
ORDER BY revenue DESC
LIMIT 50;
`,
  },
  {
    title: "Every invoice line",
    about: "More than 100,000 rows, streamed while you scroll",
    sql: `SELECT l.id, i.invoiced_at, c.first_name || ' ' || c.last_name AS customer, t.title, l.unit_price, l.quantity
FROM invoice_lines AS l
JOIN invoices  AS i ON i.id = l.invoice_id
JOIN customers AS c ON c.id = i.customer_id
JOIN tracks    AS t ON t.id = l.track_id;
`,
  },
  {
    title: "Revenue by month",
    about: "Window functions: a running total and the change to the month before",
    sql: `WITH months AS (
  SELECT strftime('%Y-%m', invoiced_at) AS month, sum(total) AS revenue, count(*) AS invoices
  FROM invoices
  GROUP BY month
)
SELECT month,
       invoices,
       round(revenue, 2) AS revenue,
       round(revenue - lag(revenue) OVER (ORDER BY month), 2) AS change,
       round(sum(revenue) OVER (ORDER BY month), 2) AS running_total
FROM months
ORDER BY month;
`,
  },
  {
    title: "What people buy",
    about: "Two columns: choose Chart below the rows. Or Follow it, and sell something in another tab",
    sql: `SELECT artists.genre, sum(l.quantity) AS sold
FROM invoice_lines AS l
JOIN tracks  ON tracks.id = l.track_id
JOIN albums  ON albums.id = tracks.album_id
JOIN artists ON artists.id = albums.artist_id
GROUP BY artists.genre
ORDER BY sold DESC;
`,
  },
  {
    title: "Album covers",
    about: "Blobs: open a cover with Enter to see the picture in it",
    sql: `SELECT albums.id, albums.title, artists.name AS artist, albums.released, albums.label, albums.cover
FROM albums
JOIN artists ON artists.id = albums.artist_id
ORDER BY albums.released DESC;
`,
  },
  {
    title: "Several statements, one transaction",
    about: "All of them or none: change a price, look, and put it back",
    sql: `UPDATE tracks SET unit_price = unit_price + 0.10 WHERE album_id = 1;

SELECT position, title, round(unit_price, 2) AS price
FROM tracks
WHERE album_id = 1
ORDER BY position;

UPDATE tracks SET unit_price = unit_price - 0.10 WHERE album_id = 1;
`,
  },
  {
    title: "An error, in place",
    about: "SQLite says where it stumbled; the caret goes there",
    sql: `SELECT first_name, last_name, county
FROM customers
WHERE country = 'Norway';
`,
  },
  {
    title: "A long query to cancel",
    about: "Counts for a while; Esc or Cancel stops it",
    sql: `WITH RECURSIVE counter(n) AS (
  SELECT 1
  UNION ALL
  SELECT n + 1 FROM counter WHERE n < 200000000
)
SELECT n, n % 7 = 0 AS lucky FROM counter WHERE n % 20000 = 0;
`,
  },
  {
    title: "The schema, in SQL",
    about: "SQLite describes itself",
    sql: `SELECT type, name, tbl_name AS "table", sql
FROM sqlite_schema
ORDER BY type DESC, name;
`,
  },
];
