// One exchange with a model, the same for every SDK: ask, run the tools that the model calls, ask again.

export const MODES = ["chat", "stream", "tools", "tools-stream", "structured", "structured-stream", "cancel"];

export const QUESTION = "What is the weather in Paris, and what time is it in Tokyo?";
export const MAX_TURNS = 4;

export const TOOLS = [
  {
    name: "get_weather",
    purpose: "Get the weather at a place",
    schema: { type: "object", properties: { location: { type: "string" } }, required: ["location"] },
    answer: { celsius: 21, sky: "clear" },
  },
  {
    name: "get_time",
    purpose: "Tell the local time at a place",
    schema: {
      type: "object",
      properties: { location: { type: "string" }, format: { type: "string", enum: ["12h", "24h"] } },
      required: ["location"],
    },
    answer: { time: "09:30" },
  },
];

// The shape of a structured answer.
export const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" }, celsius: { type: "integer" }, sky: { type: "string" } },
  required: ["city", "celsius", "sky"],
  additionalProperties: false,
};

// One exchange, however many requests it took; `tests/src/sdk` reads it.
export function newResult(sdk, model, mode) {
  return {
    sdk,
    model,
    mode,
    ok: false,
    text: "",
    deltas: 0,
    tools: [],
    finish: "",
    usage: { input: 0, output: 0 },
    turns: 0,
    error: null,
    ms: 0,
  };
}

// The application does not want the rest of a stream.
export class Cancelled extends Error {}

// An SDK has `start(model, tools, schema)`, which gives a talk with `ask(onDelta)` and `give(results)`; without `onDelta` the answer
// comes whole. One that runs the tools itself has `talk(model, tools, schema, onDelta, result)` instead.
export async function run(sdk, model, mode, result) {
  const onDelta = () => {
    result.deltas += 1;
    if (mode === "cancel") throw new Cancelled();
  };
  const streams = mode.endsWith("stream") || mode === "cancel";
  const tools = mode.startsWith("tools") ? TOOLS : [];
  const schema = mode.startsWith("structured") ? SCHEMA : null;
  try {
    if (sdk.talk) return await sdk.talk(model, tools, schema, streams ? onDelta : null, result);
    await loop(sdk.start(model, tools, schema), streams ? onDelta : null, result);
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    result.finish = "cancelled";
  }
}

async function loop(talk, onDelta, result) {
  while (result.turns < MAX_TURNS) {
    result.turns += 1;
    const answer = await talk.ask(onDelta);
    result.text = answer.text;
    result.finish = answer.finish ?? "";
    result.usage.input += answer.input ?? 0;
    result.usage.output += answer.output ?? 0;
    if (answer.calls.length === 0) return;
    for (const call of answer.calls) result.tools.push({ ...call, arguments: parsed(call.arguments) });
    talk.give(answer.calls.map(({ id, name }) => ({ id, answer: TOOLS.find((tool) => tool.name === name).answer })));
  }
  throw new Error("the model never stopped calling tools");
}

// Arguments that are no JSON are kept as they are, for the reader to see.
export function parsed(text) {
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
