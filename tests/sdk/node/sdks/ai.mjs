// Vercel's AI SDK over its providers. It runs the tools itself, step by step.

import { createAmazonBedrock } from "@ai-sdk/amazon-bedrock";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { Output, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

import { MAX_TURNS, QUESTION } from "../exchange.mjs";

// Warnings of settings that a provider does not have go to standard error otherwise.
globalThis.AI_SDK_LOG_WARNINGS = false;

export function openAIChat() {
  return over(createOpenAI().chat, {});
}

export function openAIResponses() {
  return over(createOpenAI().responses, { openai: { store: false } });
}

export function anthropic() {
  return over(createAnthropic(), { anthropic: { structuredOutputMode: "outputFormat" } });
}

export function google() {
  const baseURL = `${process.env.GOOGLE_GEMINI_BASE_URL}/v1beta`;
  return over(createGoogleGenerativeAI({ baseURL, apiKey: process.env.GEMINI_API_KEY }), {});
}

export function bedrock() {
  return over(createAmazonBedrock({ baseURL: process.env.AWS_ENDPOINT_URL_BEDROCK_RUNTIME }), {});
}

function over(provider, providerOptions) {
  return {
    async talk(model, tools, schema, onDelta, result) {
      const stop = new AbortController();
      const call = {
        model: provider(model),
        prompt: QUESTION,
        maxRetries: 0,
        maxOutputTokens: 512,
        providerOptions,
        abortSignal: stop.signal,
        stopWhen: stepCountIs(MAX_TURNS),
      };
      if (tools.length > 0) call.tools = Object.fromEntries(tools.map(offered));
      if (schema) call.output = Output.object({ schema: jsonSchema(schema), name: "weather" });
      const answer = await (onDelta ? stream(call, onDelta, result, stop) : generateText(call));
      await read(answer, result, schema);
    },
  };
}

function offered({ name, purpose, schema, answer }) {
  return [name, tool({ description: purpose, inputSchema: jsonSchema(schema), execute: async () => answer })];
}

async function stream(call, onDelta, result, stop) {
  let failure;
  const answer = streamText({ ...call, onError: ({ error }) => (failure ??= error) });
  try {
    for await (const part of answer.fullStream) {
      if (part.type === "text-delta" || part.type === "tool-input-delta" || part.type === "tool-call") onDelta();
      if (part.type === "start-step") result.turns += 1;
      if (part.type === "error") failure ??= part.error;
    }
  } catch (error) {
    stop.abort();
    throw error;
  }
  if (failure) throw failure;
  return answer;
}

async function read(answer, result, schema) {
  const steps = await answer.steps;
  result.turns = steps.length;
  for (const step of steps) {
    result.usage.input += step.usage.inputTokens ?? 0;
    result.usage.output += step.usage.outputTokens ?? 0;
    for (const call of step.toolCalls) {
      result.tools.push({ id: call.toolCallId, name: call.toolName, arguments: call.input });
    }
  }
  result.text = await answer.text;
  result.finish = await answer.finishReason;
  // Read by the SDK too: it throws where the text does not follow the schema.
  if (schema) result.text = JSON.stringify(await answer.output);
}
