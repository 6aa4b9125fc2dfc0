// Anthropic's SDK: Messages.

import Anthropic from "@anthropic-ai/sdk";

import { QUESTION } from "../exchange.mjs";

export function messages() {
  const client = new Anthropic({ maxRetries: 0 });
  return { start: (model, tools, schema) => new Talk(client, model, tools, schema) };
}

class Talk {
  constructor(client, model, tools, schema) {
    this.client = client;
    this.messages = [{ role: "user", content: QUESTION }];
    this.settings = { model, max_tokens: 512 };
    if (tools.length > 0) {
      this.settings.tools = tools.map(({ name, purpose, schema }) => ({
        name,
        description: purpose,
        input_schema: schema,
      }));
    }
    if (schema) this.settings.output_config = { format: { type: "json_schema", schema } };
  }

  async ask(onDelta) {
    const message = await (onDelta ? this.stream(onDelta) : this.whole());
    this.messages.push({ role: "assistant", content: message.content });
    const texts = message.content.filter((block) => block.type === "text").map((block) => block.text);
    const calls = message.content
      .filter((block) => block.type === "tool_use")
      .map(({ id, name, input }) => ({ id, name, arguments: input }));
    const { input_tokens: input, output_tokens: output } = message.usage;
    return { text: texts.join(""), calls, finish: message.stop_reason, input, output };
  }

  whole() {
    return this.client.messages.create({ ...this.settings, messages: this.messages });
  }

  async stream(onDelta) {
    const stream = this.client.messages.stream({ ...this.settings, messages: this.messages });
    for await (const event of stream) {
      if (event.type === "content_block_delta") onDelta();
    }
    return stream.finalMessage();
  }

  give(results) {
    const content = results.map(({ id, answer }) => ({
      type: "tool_result",
      tool_use_id: id,
      content: JSON.stringify(answer),
    }));
    this.messages.push({ role: "user", content });
  }
}
