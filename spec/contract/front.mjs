// Prism between the client and an emulator, or in place of one: spec/contract/front.lua starts this and talks to it.
//
//   node spec/contract/front.mjs FOLDER_WITH_NODE_MODULES SPECIFICATION
//
// prints the port of its control and ends when that connection does. Each line there is a command, each answer a port:
//   proxy URL   a proxy before the API at URL, that refuses what the contract does not allow, on either side
//   mock        an API of Prism's own making
// At the end FOLDER_WITH_NODE_MODULES/report says what was found: a line for each violation, and the counts.
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { createServer as listen } from "node:net";
import { createInterface } from "node:readline";
import { resolve } from "node:path";

// Its connections to the emulator are kept, as Node.js does by itself from version 19 on: specs count connections.
http.globalAgent = new http.Agent({ keepAlive: true, scheduling: "lifo", timeout: 5000 });

const require = createRequire(resolve(process.argv[2], "package.json"));
const { createServer } = require("@stoplight/prism-http-server");
const { getHttpOperationsFromSpec } = require("@stoplight/prism-http");
const { createLogger } = require("@stoplight/prism-core");

const operations = await getHttpOperationsFromSpec(process.argv[3]);
const logger = createLogger("contract", { level: "silent" });
let judged = 0;
let unanswered = 0;
const violations = [];

function note(input, side, list) {
  for (const one of list)
    violations.push(`${input.method} ${input.url.path}: ${side} ${(one.path ?? []).join(".")}: ${one.message}`);
}

// Prism says what is wrong in each result of its request function, a TaskEither.
function watch(prism) {
  const request = prism.request;
  prism.request = (input, ...rest) => {
    const task = request(input, ...rest);
    return async () => {
      const result = await task();
      judged += 1;
      if (result._tag === "Right") {
        note(input, "request", result.right.validations.input);
        note(input, "response", result.right.validations.output);
      } else if (String(result.left).startsWith("FetchError")) unanswered += 1; // the emulator was stopped meanwhile
      else note(input, "refused", [{ message: result.left.detail ?? String(result.left) }]);
      return result;
    };
  };
}

async function open(config) {
  const base = { checkSecurity: true, validateRequest: true, validateResponse: true, errors: true, mock: { dynamic: false } };
  const server = createServer(operations, { components: { logger }, cors: false, config: { ...base, ...config } });
  watch(server.prism);
  return new URL(await server.listen(0, "127.0.0.1")).port;
}

const commands = {
  proxy: (url) => open({ isProxy: true, upstream: new URL(url) }),
  mock: () => open({ isProxy: false }),
};

const lonely = setTimeout(() => process.exit(1), 10000);
const control = listen(async (connection) => {
  clearTimeout(lonely);
  connection.on("error", () => process.exit(1));
  for await (const line of createInterface({ input: connection })) {
    const [name, argument] = line.split(" ");
    connection.write(`${await commands[name](argument)}\n`);
  }
  const last = `${judged} requests judged, ${unanswered} without an answer, ${violations.length} violations`;
  writeFileSync(resolve(process.argv[2], "report"), [...violations, last, ""].join("\n"));
  process.exit(0);
});
control.listen(0, "127.0.0.1", () => console.log(control.address().port));
