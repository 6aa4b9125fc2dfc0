// Talks to models with the vendors' own SDKs, as an application does: it names a model and nothing else. Base URLs and keys
// come from environment variables.
//
//   node main.mjs [--modes chat,stream,...] [MODES/]SDK:MODEL...
//
// Each exchange is one line of JSON on standard output. The exit status is 1 when one of them failed.

import { parseArgs } from "node:util";

import { MODES, newResult, run } from "./exchange.mjs";
import { create } from "./sdks/index.mjs";

const { values, positionals } = parseArgs({
  options: { modes: { type: "string", default: MODES.join(",") } },
  allowPositionals: true,
});
// What an SDK throws beside its promises would end the program, and must not hide an exchange's own result.
process.on("unhandledRejection", (error) => console.error("unhandled rejection:", error));

// Built once, as an application does: each keeps its connections.
const clients = new Map();
let failed = false;
for (const pair of positionals) {
  const [before, ...rest] = pair.split(":");
  const model = rest.join(":");
  const [name, modes] = before.split("/").reverse();
  for (const mode of (modes ?? values.modes).split(",")) {
    const result = await exchange(name, model, mode);
    failed ||= !result.ok;
    console.log(JSON.stringify(result));
  }
}
process.exit(failed ? 1 : 0);

async function exchange(name, model, mode) {
  const result = newResult(name, model, mode);
  const started = performance.now();
  try {
    if (!clients.has(name)) clients.set(name, await create(name));
    await run(clients.get(name), model, mode, result);
    result.ok = true;
  } catch (error) {
    result.error = failure(error);
  }
  result.ms = Math.round(performance.now() - started);
  return result;
}

// An error as the SDK shows it. The AI SDK wraps what it retried.
function failure(error) {
  const inner = error?.lastError ?? error;
  const status = inner?.status ?? inner?.statusCode ?? 0;
  const type = inner?.type ?? inner?.error?.type ?? "";
  const told = inner?.message ?? inner?.error?.message;
  const message = `${inner?.name ?? "error"}: ${told ?? JSON.stringify(inner)}`;
  return {
    status: Number.isInteger(status) ? status : 0,
    type: typeof type === "string" ? type : "",
    message,
  };
}
