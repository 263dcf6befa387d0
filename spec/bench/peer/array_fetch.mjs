// Node's own fetch reading the plain array at once:  array_fetch.mjs BASE_URL
const answer = await fetch(process.argv[2] + "/status", { headers: { "X-API-Key": "bench" } });
if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
const statuses = await answer.json();
let checksum = 0;
for (const status of statuses) checksum += status.progress;
console.log(`count=${statuses.length} checksum=${checksum}`);
