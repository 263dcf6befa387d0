// Node's own fetch:  fetch.mjs BASE_URL
const base = process.argv[2] + "/status?paginated=true&limit=100";
const headers = { "X-API-Key": "bench" };
let count = 0, checksum = 0, url = base;
while (url) {
  const answer = await fetch(url, { headers });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const page = await answer.json();
  for (const status of page.data) {
    count += 1;
    checksum += status.progress;
  }
  const { has_next_page: more, next_cursor: cursor } = page.pagination;
  url = more ? `${base}&cursor=${encodeURIComponent(cursor)}` : null;
}
console.log(`count=${count} checksum=${checksum}`);
