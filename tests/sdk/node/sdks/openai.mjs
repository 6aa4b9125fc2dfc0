// OpenAI's SDK: Chat Completions and Responses, without anything stored at the vendor.

import OpenAI from "openai";

import { QUESTION } from "../exchange.mjs";

export function chat() {
  const client = new OpenAI({ maxRetries: 0 });
  return { start: (model, tools, schema) => new ChatTalk(client, model, tools, schema) };
}

export function responses() {
  const client = new OpenAI({ maxRetries: 0 });
  return { start: (model, tools, schema) => new ResponsesTalk(client, model, tools, schema) };
}

class ChatTalk {
  constructor(client, model, tools, schema) {
    this.client = client;
    this.messages = [{ role: "user", content: QUESTION }];
    this.settings = { model };
    if (tools.length > 0) {
      this.settings.tools = tools.map(({ name, purpose, schema }) => ({
        type: "function",
        function: { name, description: purpose, parameters: schema },
      }));
    }
    if (schema) {
      this.settings.response_format = { type: "json_schema", json_schema: { name: "weather", schema, strict: true } };
    }
  }

  async ask(onDelta) {
    const completion = await (onDelta ? this.stream(onDelta) : this.whole());
    const [{ message, finish_reason: finish }] = completion.choices;
    this.messages.push(message);
    const calls = (message.tool_calls ?? []).map((call) => ({
      id: call.id,
      name: call.function.name,
      arguments: call.function.arguments,
    }));
    const { prompt_tokens: input, completion_tokens: output } = completion.usage ?? {};
    return { text: message.content ?? "", calls, finish, input, output };
  }

  whole() {
    return this.client.chat.completions.create({ ...this.settings, messages: this.messages });
  }

  async stream(onDelta) {
    const stream = this.client.chat.completions.stream({
      ...this.settings,
      messages: this.messages,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta;
      if (delta?.content || delta?.tool_calls) onDelta();
    }
    return stream.finalChatCompletion();
  }

  give(results) {
    for (const { id, answer } of results) {
      this.messages.push({ role: "tool", tool_call_id: id, content: JSON.stringify(answer) });
    }
  }
}

class ResponsesTalk {
  constructor(client, model, tools, schema) {
    this.client = client;
    this.input = [{ role: "user", content: QUESTION }];
    this.settings = { model, store: false, include: ["reasoning.encrypted_content"] };
    if (tools.length > 0) {
      this.settings.tools = tools.map(({ name, purpose, schema }) => ({
        type: "function",
        name,
        description: purpose,
        parameters: schema,
        strict: false,
      }));
    }
    if (schema) this.settings.text = { format: { type: "json_schema", name: "weather", schema, strict: true } };
  }

  async ask(onDelta) {
    const response = await (onDelta ? this.stream(onDelta) : this.whole());
    if (response.status !== "completed") {
      throw new Error(`the response is ${response.status}: ${JSON.stringify(response.error)}`);
    }
    this.input.push(...response.output.map(({ parsed_arguments: _, ...item }) => item));
    const calls = response.output
      .filter((item) => item.type === "function_call")
      .map((item) => ({ id: item.call_id, name: item.name, arguments: item.arguments }));
    const { input_tokens: input, output_tokens: output } = response.usage ?? {};
    return { text: response.output_text ?? textOf(response), calls, finish: response.status, input, output };
  }

  whole() {
    return this.client.responses.create({ ...this.settings, input: this.input });
  }

  async stream(onDelta) {
    const events = await this.client.responses.create({ ...this.settings, input: this.input, stream: true });
    let last;
    for await (const event of events) {
      if (["response.output_text.delta", "response.function_call_arguments.delta"].includes(event.type)) onDelta();
      if (["response.completed", "response.incomplete", "response.failed"].includes(event.type)) last = event.response;
      if (event.type === "error") throw new Error(`error event ${event.code}: ${event.message}`);
    }
    if (!last) throw new Error("the stream ended without its last event");
    return last;
  }

  give(results) {
    for (const { id, answer } of results) {
      this.input.push({ type: "function_call_output", call_id: id, output: JSON.stringify(answer) });
    }
  }
}

function textOf(response) {
  const parts = response.output.filter((item) => item.type === "message").flatMap((item) => item.content);
  return parts
    .filter((part) => part.type === "output_text")
    .map((part) => part.text)
    .join("");
}
