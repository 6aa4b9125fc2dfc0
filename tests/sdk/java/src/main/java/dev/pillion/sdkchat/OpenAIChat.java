package dev.pillion.sdkchat;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionMessageToolCall;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import java.util.List;
import java.util.stream.Stream;

/** OpenAI's SDK: Chat Completions. */
final class OpenAIChat implements Sdk {
    private final OpenAIClient client =
            OpenAIOkHttpClient.builder().fromEnv().maxRetries(0).build();

    @Override
    public void exchange(String model, Wish wish, Result result) {
        ChatCompletionCreateParams.Builder params =
                ChatCompletionCreateParams.builder().model(model).addUserMessage(Talk.QUESTION);
        if (wish.stream()) {
            params.streamOptions(
                    ChatCompletionStreamOptions.builder().includeUsage(true).build());
        }
        if (wish.tools()) {
            for (Talk.Tool tool : Talk.TOOLS) {
                FunctionParameters.Builder parameters = FunctionParameters.builder();
                tool.schema().forEach((name, value) -> parameters.putAdditionalProperty(name, JsonValue.from(value)));
                params.addFunctionTool(FunctionDefinition.builder()
                        .name(tool.name())
                        .description(tool.purpose())
                        .parameters(parameters.build())
                        .build());
            }
        }
        if (wish.structured()) {
            ResponseFormatJsonSchema.JsonSchema.Schema.Builder schema =
                    ResponseFormatJsonSchema.JsonSchema.Schema.builder();
            Talk.WEATHER.forEach((name, value) -> schema.putAdditionalProperty(name, JsonValue.from(value)));
            params.responseFormat(ResponseFormatJsonSchema.builder()
                    .jsonSchema(ResponseFormatJsonSchema.JsonSchema.builder()
                            .name("weather")
                            .schema(schema.build())
                            .strict(true)
                            .build())
                    .build());
        }
        while (result.turns < MAX_TURNS) {
            result.turns++;
            ChatCompletion completion = ask(params.build(), wish.stream(), result);
            ChatCompletion.Choice choice = completion.choices().get(0);
            result.text = choice.message().content().orElse("");
            result.finish = choice.finishReason().toString();
            completion.usage().ifPresent(usage -> {
                result.usage.input += usage.promptTokens();
                result.usage.output += usage.completionTokens();
            });
            List<ChatCompletionMessageToolCall> calls = choice.message().toolCalls().orElse(List.of());
            if (calls.isEmpty()) {
                return;
            }
            params.addMessage(choice.message());
            for (ChatCompletionMessageToolCall call : calls) {
                ChatCompletionMessageFunctionToolCall function = call.asFunction();
                String name = function.function().name();
                result.tool(function.id(), name, function.function().arguments());
                params.addMessage(ChatCompletionToolMessageParam.builder()
                        .toolCallId(function.id())
                        .content(Talk.answer(name))
                        .build());
            }
        }
        throw new IllegalStateException("the model never stopped calling tools");
    }

    private ChatCompletion ask(ChatCompletionCreateParams params, boolean stream, Result result) {
        if (!stream) {
            return client.chat().completions().create(params);
        }
        ChatCompletionAccumulator whole = ChatCompletionAccumulator.create();
        try (StreamResponse<ChatCompletionChunk> chunks = client.chat().completions().createStreaming(params)) {
            Stream<ChatCompletionChunk> all = chunks.stream();
            all.forEach(chunk -> {
                whole.accumulate(chunk);
                boolean says = chunk.choices().stream()
                        .map(ChatCompletionChunk.Choice::delta)
                        .anyMatch(delta -> delta.content().filter(text -> !text.isEmpty()).isPresent()
                                || delta.toolCalls().isPresent());
                if (says) {
                    result.delta();
                }
            });
        }
        return whole.chatCompletion();
    }
}
