// The SDKs by name; each is imported when it is first needed.

const SDKS = {
  openai: async () => (await import("./openai.mjs")).chat(),
  "openai-responses": async () => (await import("./openai.mjs")).responses(),
  anthropic: async () => (await import("./anthropic.mjs")).messages(),
  "ai-openai": async () => (await import("./ai.mjs")).openAIChat(),
  "ai-openai-responses": async () => (await import("./ai.mjs")).openAIResponses(),
  "ai-anthropic": async () => (await import("./ai.mjs")).anthropic(),
  "ai-google": async () => (await import("./ai.mjs")).google(),
  "ai-bedrock": async () => (await import("./ai.mjs")).bedrock(),
};

export async function create(name) {
  const sdk = SDKS[name];
  if (!sdk) throw new Error(`no such SDK: ${name}`);
  return sdk();
}
